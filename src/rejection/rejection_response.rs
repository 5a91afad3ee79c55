//! The hook that shapes refusals.

use bytes::Bytes;
use http::Response;

use super::protocol::Protocol;
use crate::error::Error;

/// Shapes body and extra headers of a refusal.
///
/// Status, challenge and grpc-status are written afterwards, so no hook can lose them or turn a
/// refusal into a pass. Over gRPC the body is dropped. Headers about the message's length and the
/// connection (`Content-Length`, `Transfer-Encoding`, `Trailer`, `TE`, `Connection`, `Upgrade`) are
/// dropped on both: a wrong one would break the connection for whoever shares it.
pub trait RejectionResponse: Send + Sync + 'static {
    /// Returns the body, and headers to add.
    fn response(&self, error: &Error, protocol: Protocol) -> Response<Bytes>;
}

impl<F> RejectionResponse for F
where
    F: Fn(&Error, Protocol) -> Response<Bytes> + Send + Sync + 'static,
{
    fn response(&self, error: &Error, protocol: Protocol) -> Response<Bytes> {
        self(error, protocol)
    }
}
