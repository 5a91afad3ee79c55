//! The one place where a refusal becomes a wire answer.
//!
//! | kind | HTTP | `WWW-Authenticate` | grpc-status |
//! |---|---|---|---|
//! | `missing_token` | 401 | `Bearer` | 16 |
//! | `invalid_request` | 400 | `Bearer error="invalid_request"` | 16 |
//! | `invalid_token` | 401 | `Bearer error="invalid_token"` | 16 |
//! | `insufficient_scope` | 403 | `Bearer error="insufficient_scope", scope="…"` | 7 |
//! | `denied`, `conflict` | 403 | none | 7 |
//! | `unavailable` | 503 and `Retry-After` | none | 14 |
//!
//! Status and challenge are RFC 6750 section 3's. Over HTTP the body is a problem document (RFC
//! 9457) with the stable [`code`](crate::Error::code); over gRPC, told by the request's content
//! type, the answer is HTTP 200 with trailers only, and the code is the message. Bodies never say
//! which check a token failed and never repeat input. With
//! [`with_resource_metadata`](crate::ProvisionLayer::with_resource_metadata) every challenge also
//! says where to get a token (RFC 9728 section 5.1).
//!
//! An application with an error format of its own passes a [`RejectionResponse`]; a closure
//! qualifies:
//!
//! ```
//! use bytes::Bytes;
//! use tower_jit_provisioning::{
//!     Error, JwtVerifier, MemoryProvisioner, ProvisionLayer, rejection::Protocol,
//! };
//!
//! fn layer(verifier: JwtVerifier) -> ProvisionLayer<MemoryProvisioner> {
//!     ProvisionLayer::new(verifier, MemoryProvisioner::new()).with_rejection(
//!         |error: &Error, _: Protocol| {
//!             http::Response::new(Bytes::from(format!("{{\"error\":\"{}\"}}", error.code())))
//!         },
//!     )
//! }
//! ```

mod body;
mod problem_json;
mod wire;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, header::CONTENT_TYPE};

pub(crate) use self::wire::{Answers, internal_error};
pub use self::{body::ResponseBody, problem_json::ProblemJson};
use crate::error::Error;

/// How the caller speaks, told by the request's content type.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Protocol {
    /// gRPC over HTTP/2.
    Grpc,
    /// Everything else, gRPC-Web included: its clients read HTTP status codes.
    Http,
}

impl Protocol {
    /// `application/grpc`, alone or followed by `+…` or `;…`.
    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let content_type = headers.get(CONTENT_TYPE).map(HeaderValue::as_bytes);
        let rest = content_type.and_then(|value| {
            let (start, rest) = value.split_at_checked(b"application/grpc".len())?;
            start
                .eq_ignore_ascii_case(b"application/grpc")
                .then_some(rest)
        });
        match rest.map(<[u8]>::first) {
            Some(None | Some(b'+' | b';' | b' ')) => Self::Grpc,
            Some(Some(_)) | None => Self::Http,
        }
    }
}

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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn grpc_is_told_by_content_type() {
        for (content_type, protocol) in [
            ("application/grpc", Protocol::Grpc),
            ("Application/gRPC", Protocol::Grpc),
            ("application/grpc+proto", Protocol::Grpc),
            ("application/grpc;charset=utf-8", Protocol::Grpc),
            ("application/grpc-web", Protocol::Http),
            ("application/grpc-web-text+proto", Protocol::Http),
            ("application/json", Protocol::Http),
            ("application/grp", Protocol::Http),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(CONTENT_TYPE, HeaderValue::from_static(content_type));
            assert_eq!(Protocol::of(&headers), protocol, "{content_type}");
        }
        assert_eq!(Protocol::of(&HeaderMap::new()), Protocol::Http);
    }
}
