//! Connections: accepted, bounded in time, and ended in order.
//!
//! `axum::serve` waits for a request's head for ever, and a thousand clients that never finish
//! theirs hold a thousand connections. HTTP/1.1 only: behind a proxy nothing else is needed, and
//! while it is told which version a client speaks there would be no deadline either.

use std::{pin::pin, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time::timeout};

/// How long requests under way may take after SIGTERM: longer than any answer, and no longer for a
/// client that never finishes its request.
const GRACE: Duration = Duration::from_secs(12);

/// How much of a request's head may be read before it must be whole: the longest token, and whatever a
/// proxy adds. By hyper's own bound every connection may hold 400 KiB.
const MAX_HEAD: usize = 64 * 1024;

/// Serves until told to stop; requests under way are finished. A client that takes longer than
/// `head_timeout` for a request's head, or from one request to the next, is cut off.
pub async fn serve(
    mut listener: TcpListener,
    app: Router,
    head_timeout: Duration,
    stopped: impl Future<Output = ()>,
) {
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(head_timeout)
        .max_buf_size(MAX_HEAD);
    let connections = GracefulShutdown::new();
    let mut stopped = pin!(stopped);
    loop {
        let (stream, _) = tokio::select! {
            accepted = Listener::accept(&mut listener) => accepted,
            () = &mut stopped => break,
        };
        let service = TowerToHyperService::new(app.clone());
        let connection = http.serve_connection(TokioIo::new(stream), service);
        let connection = connections.watch(connection);
        tokio::spawn(async move {
            if let Err(error) = connection.await {
                tracing::debug!(%error, "a connection ended early");
            }
        });
    }
    drop(listener);
    if timeout(GRACE, connections.shutdown()).await.is_err() {
        tracing::warn!("connections that did not end were cut");
    }
}
