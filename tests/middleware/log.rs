//! Capture of the events that a thread logs.

use std::sync::LazyLock;
#[cfg(feature = "axum")]
use std::{
    io::{self, Write},
    sync::{Arc, Mutex},
};

use tracing::Dispatch;
use tracing_subscriber::Registry;

/// With a single subscriber, the first thread to emit an event caches its interest for all threads,
/// and that may be a thread of a test without a subscriber.
pub(crate) fn listen() {
    static LISTENERS: LazyLock<[Dispatch; 2]> =
        LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Registry::default())));
    LazyLock::force(&LISTENERS);
}

/// Returns the lines of a log, up to a level.
#[cfg(feature = "axum")]
pub(crate) async fn logged(level: tracing::Level, asking: impl Future<Output = ()>) -> String {
    listen();
    let log = Log::default();
    let writer = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(level)
        .with_writer(move || writer.clone())
        .with_ansi(false)
        .finish();
    {
        let _guard = tracing::subscriber::set_default(subscriber);
        asking.await;
    }
    let bytes = log.0.lock().unwrap().clone();
    String::from_utf8(bytes).unwrap()
}

#[cfg(feature = "axum")]
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

#[cfg(feature = "axum")]
impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}
