//! Connections with deadlines and graceful shutdown.
//!
//! `axum::serve` waits for a request's head without a deadline, so a thousand clients that never
//! finish theirs hold a thousand connections. HTTP/1.1 only: nothing else is needed behind a proxy,
//! and there is no deadline while hyper's automatic detection reads a client's HTTP version.

use std::{pin::pin, time::Duration};

use axum::{Router, serve::Listener};
use hyper::server::conn::http1;
use hyper_util::{
    rt::{TokioIo, TokioTimer},
    server::graceful::GracefulShutdown,
    service::TowerToHyperService,
};
use tokio::{net::TcpListener, time::timeout};

/// How long requests in progress may take after SIGTERM: longer than any response takes, but
/// bounded for clients that never finish their request.
const SHUTDOWN_TIMEOUT: Duration = Duration::from_secs(12);

/// Maximum size of a request's head: the longest token and the headers that a proxy adds. Hyper's
/// default would buffer up to 400 KiB per connection.
const MAX_HEAD: usize = 64 * 1024;

/// Serves until `stopped` completes, then finishes the requests in progress. Closes the connection
/// of a client that exceeds `head_timeout` for a request's head or between two requests.
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
    if timeout(SHUTDOWN_TIMEOUT, connections.shutdown())
        .await
        .is_err()
    {
        tracing::warn!("connections that did not end were cut");
    }
}
