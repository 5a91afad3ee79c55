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
//! which check a token failed and never repeat input.
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

use std::{
    pin::Pin,
    task::{Context, Poll},
};

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body::{Body, Frame, SizeHint};
use pin_project_lite::pin_project;
use serde::Serialize;

use crate::error::{Error, ErrorKind};

/// When to try again while keys or store are down, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

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
/// refusal into a pass. Over gRPC the body is dropped.
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

/// The default: a problem document (RFC 9457).
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ProblemJson;

#[derive(Serialize)]
struct Problem {
    title: &'static str,
    status: u16,
    code: &'static str,
}

impl RejectionResponse for ProblemJson {
    fn response(&self, error: &Error, protocol: Protocol) -> Response<Bytes> {
        match protocol {
            Protocol::Grpc => Response::new(Bytes::new()),
            Protocol::Http => {
                let wire = Wire::of(error);
                problem(wire.status, error.code(), wire.title)
            }
        }
    }
}

fn problem(status: StatusCode, code: &'static str, title: &'static str) -> Response<Bytes> {
    let document = Problem {
        title,
        status: status.as_u16(),
        code,
    };
    let body = serde_json::to_vec(&document).unwrap_or_default();
    let mut response = Response::new(Bytes::from(body));
    *response.status_mut() = status;
    response.headers_mut().insert(
        CONTENT_TYPE,
        HeaderValue::from_static("application/problem+json"),
    );
    response
}

/// What a handler without its layer answers.
#[cfg(feature = "axum")]
pub(crate) fn internal_error() -> Response<Bytes> {
    problem(
        StatusCode::INTERNAL_SERVER_ERROR,
        "internal_error",
        "the server is misconfigured",
    )
}

/// One row of the table.
struct Wire {
    status: StatusCode,
    challenge: Option<HeaderValue>,
    grpc_status: &'static str,
    title: &'static str,
}

impl Wire {
    fn of(error: &Error) -> Self {
        let (status, challenge, grpc_status, title) = match error.kind() {
            ErrorKind::MissingToken => (
                StatusCode::UNAUTHORIZED,
                Some(HeaderValue::from_static("Bearer")),
                "16",
                "a bearer token is required",
            ),
            ErrorKind::InvalidRequest => (
                StatusCode::BAD_REQUEST,
                Some(HeaderValue::from_static("Bearer error=\"invalid_request\"")),
                "16",
                "the request's credentials are malformed",
            ),
            ErrorKind::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                Some(HeaderValue::from_static("Bearer error=\"invalid_token\"")),
                "16",
                "the token is not valid",
            ),
            ErrorKind::InsufficientScope => (
                StatusCode::FORBIDDEN,
                Some(scope_challenge(error.scope())),
                "7",
                "the token lacks a scope",
            ),
            ErrorKind::Denied | ErrorKind::Conflict => {
                (StatusCode::FORBIDDEN, None, "7", "access is denied")
            }
            ErrorKind::Unavailable => (
                StatusCode::SERVICE_UNAVAILABLE,
                None,
                "14",
                "try again later",
            ),
        };
        Self {
            status,
            challenge,
            grpc_status,
            title,
        }
    }
}

/// RFC 6750 section 3: a scope has neither quote nor backslash. One that does is left out.
fn scope_challenge(scope: Option<&str>) -> HeaderValue {
    scope
        .filter(|scope| !scope.contains(['"', '\\']))
        .and_then(|scope| {
            let challenge = format!("Bearer error=\"insufficient_scope\", scope=\"{scope}\"");
            HeaderValue::try_from(challenge).ok()
        })
        .unwrap_or(HeaderValue::from_static(
            "Bearer error=\"insufficient_scope\"",
        ))
}

/// Answers a refusal and leaves the error in the response's extensions.
pub(crate) fn reject(
    shape: &dyn RejectionResponse,
    error: Error,
    protocol: Protocol,
) -> Response<Bytes> {
    let wire = Wire::of(&error);
    let mut response = shape.response(&error, protocol);
    match protocol {
        Protocol::Grpc => {
            *response.status_mut() = StatusCode::OK;
            *response.body_mut() = Bytes::new();
            let headers = response.headers_mut();
            // Of the body that was dropped: a length that is not sent is a protocol error.
            headers.remove(CONTENT_LENGTH);
            headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
            headers.insert("grpc-status", HeaderValue::from_static(wire.grpc_status));
            headers.insert("grpc-message", HeaderValue::from_static(error.code()));
        }
        Protocol::Http => {
            *response.status_mut() = wire.status;
            let headers = response.headers_mut();
            headers.remove(WWW_AUTHENTICATE);
            if let Some(challenge) = wire.challenge {
                headers.insert(WWW_AUTHENTICATE, challenge);
            }
            if wire.status == StatusCode::SERVICE_UNAVAILABLE {
                headers.entry(RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
            }
        }
    }
    response.extensions_mut().insert(error);
    response
}

pin_project! {
    /// The inner service's body, or a refusal's.
    #[derive(Debug)]
    pub struct ResponseBody<B> {
        #[pin]
        source: Source<B>,
    }
}

pin_project! {
    #[project = SourceProj]
    #[derive(Debug)]
    enum Source<B> {
        Inner { #[pin] body: B },
        Rejection { body: Option<Bytes> },
    }
}

impl<B> ResponseBody<B> {
    pub(crate) fn inner(body: B) -> Self {
        Self {
            source: Source::Inner { body },
        }
    }

    pub(crate) fn rejection(body: Bytes) -> Self {
        Self {
            source: Source::Rejection {
                body: Some(body).filter(|body| !body.is_empty()),
            },
        }
    }
}

/// An empty body, which is what tonic builds its own status responses on.
impl<B> Default for ResponseBody<B> {
    fn default() -> Self {
        Self::rejection(Bytes::new())
    }
}

impl<B: Body<Data = Bytes>> Body for ResponseBody<B> {
    type Data = Bytes;
    type Error = B::Error;

    fn poll_frame(
        self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, B::Error>>> {
        match self.project().source.project() {
            SourceProj::Inner { body } => body.poll_frame(cx),
            SourceProj::Rejection { body } => {
                Poll::Ready(body.take().map(|bytes| Ok(Frame::data(bytes))))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Inner { body } => body.is_end_stream(),
            Source::Rejection { body } => body.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Inner { body } => body.size_hint(),
            Source::Rejection { body } => {
                SizeHint::with_exact(body.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
        }
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

    #[test]
    fn a_scope_that_would_break_out_of_its_quotes_is_left_out() {
        let plain = scope_challenge(Some("orders:read orders:write"));
        assert_eq!(
            plain,
            "Bearer error=\"insufficient_scope\", scope=\"orders:read orders:write\""
        );
        for scope in ["a\"b", "a\\b", "a\nb"] {
            assert_eq!(
                scope_challenge(Some(scope)),
                "Bearer error=\"insufficient_scope\""
            );
        }
    }
}
