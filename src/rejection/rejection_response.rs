//! The hook that shapes rejections.

use bytes::Bytes;
use http::Response;

use super::protocol::Protocol;
use crate::error::Error;

/// Shapes the body and extra headers of a rejection.
///
/// Status, challenge and grpc-status are written afterwards, so a hook cannot drop them or turn a
/// rejection into a success. Over gRPC the body is dropped. Headers about the message's length and
/// the connection (`Content-Length`, `Transfer-Encoding`, `Trailer`, `TE`, `Connection`, `Upgrade`)
/// are dropped with both protocols, because a wrong value would break a shared connection.
pub trait RejectionResponse: Send + Sync + 'static {
    /// Returns the body and additional headers.
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
