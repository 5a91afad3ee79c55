//! HTTP server on a thread of its own.

use std::{
    net::{Ipv4Addr, SocketAddr},
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    thread::{self, JoinHandle},
    time::Duration,
};

use hyper::{server::conn::http1, service::service_fn};
use hyper_util::rt::TokioIo;
use tokio::{
    net::{TcpListener, TcpSocket},
    runtime::Builder,
    sync::oneshot,
    time::sleep,
};

use super::handler;
use crate::testing::issuer::state::State;

/// Server on a port of 127.0.0.1. The port stays reserved while the server is stopped.
pub(in crate::testing) struct Server {
    address: SocketAddr,
    phase: Mutex<Phase>,
}

struct Phase {
    reserved: Option<TcpSocket>,
    serving: Option<Serving>,
}

impl Server {
    pub(in crate::testing) fn bind() -> Self {
        let socket = bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0)));
        Self {
            address: socket.local_addr().expect("a bound socket has an address"),
            phase: Mutex::new(Phase {
                reserved: Some(socket),
                serving: None,
            }),
        }
    }

    pub(in crate::testing) fn origin(&self) -> String {
        format!("http://{}", self.address)
    }

    pub(in crate::testing) fn start(&self, state: &Arc<State>) {
        let mut phase = self.phase();
        if let Some(socket) = phase.reserved.take() {
            phase.serving = Some(Serving::start(socket, state));
        }
    }

    pub(in crate::testing) fn stop(&self) {
        let mut phase = self.phase();
        if let Some(serving) = phase.serving.take() {
            drop(serving);
            phase.reserved = Some(bind(self.address));
        }
    }

    fn phase(&self) -> MutexGuard<'_, Phase> {
        self.phase.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Binds a socket without listening. Connections are refused, and no other process gets the port.
fn bind(address: SocketAddr) -> TcpSocket {
    let socket = TcpSocket::new_v4().expect("the system has a socket");
    // On other systems than Unix, this option would let another process take the port.
    if cfg!(unix) {
        let reused = socket.set_reuseaddr(true);
        reused.expect("a new socket takes options");
    }
    socket.bind(address).expect("the system has a port");
    socket
}

/// The thread of a running server. `drop` returns after listener and connections are closed.
///
/// A task on the runtime of the test would close them only when it is polled next, and could accept
/// another connection before.
struct Serving {
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl Serving {
    fn start(socket: TcpSocket, state: &Arc<State>) -> Self {
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.expect("the system has an event queue");
        let listener = {
            let _context = runtime.enter();
            socket.listen(1024).expect("a reserved port is free")
        };
        runtime.spawn(accept(listener, Arc::clone(state)));
        let (stop, stopped) = oneshot::channel();
        let thread = thread::Builder::new()
            .name("test-issuer".to_owned())
            .spawn(move || drop(runtime.block_on(stopped)));
        Self {
            stop: Some(stop),
            thread: Some(thread.expect("the system has a thread")),
        }
    }
}

impl Drop for Serving {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

async fn accept(listener: TcpListener, state: Arc<State>) {
    loop {
        let Ok((stream, _)) = listener.accept().await else {
            // The process has no free file descriptor, so the next attempt would fail too.
            sleep(Duration::from_millis(10)).await;
            continue;
        };
        let state = Arc::clone(&state);
        let service = service_fn(move |request| handler::handle(Arc::clone(&state), request));
        let connection = http1::Builder::new().serve_connection(TokioIo::new(stream), service);
        // Fails when the client disconnects, or when a fault closes the connection.
        tokio::spawn(async move { drop(connection.await) });
    }
}
