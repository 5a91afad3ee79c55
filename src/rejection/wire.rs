//! From an error to an answer, in one match.

use std::{borrow::Cow, fmt, sync::Arc};

use bytes::Bytes;
use http::{
    HeaderName, HeaderValue, Response, StatusCode,
    header::{
        CONNECTION, CONTENT_LENGTH, CONTENT_TYPE, RETRY_AFTER, TE, TRAILER, TRANSFER_ENCODING,
        UPGRADE, WWW_AUTHENTICATE,
    },
};

use super::{Protocol, RejectionResponse, problem_json::ProblemJson, problem_json::problem};
use crate::error::{Error, ErrorKind};

/// The only scheme there is (RFC 6750).
const SCHEME: &str = "Bearer";

/// When to try again while keys or store are down, in seconds.
const RETRY_AFTER_SECONDS: HeaderValue = HeaderValue::from_static("1");

/// What a hook has no say in: how long the message is, and what becomes of the connection.
const FRAMING: [HeaderName; 6] = [
    CONNECTION,
    CONTENT_LENGTH,
    TE,
    TRAILER,
    TRANSFER_ENCODING,
    UPGRADE,
];

/// One row of the table.
pub(super) struct Wire {
    pub(super) status: StatusCode,
    challenge: Option<Challenge>,
    grpc_status: &'static str,
    pub(super) title: &'static str,
}

/// A challenge with its error code, which one for a missing token does not have. Most are sent as
/// they are, and a flood of garbage has nothing put together for it.
struct Challenge {
    text: &'static str,
    alone: HeaderValue,
}

const BARE: Challenge = Challenge::new(SCHEME);
const INVALID_REQUEST: Challenge = Challenge::new("Bearer error=\"invalid_request\"");
const INVALID_TOKEN: Challenge = Challenge::new("Bearer error=\"invalid_token\"");
const INSUFFICIENT_SCOPE: Challenge = Challenge::new("Bearer error=\"insufficient_scope\"");

impl Wire {
    pub(super) fn of(kind: ErrorKind) -> Self {
        let (status, challenge, grpc_status, title) = match kind {
            ErrorKind::MissingToken => (
                StatusCode::UNAUTHORIZED,
                Some(BARE),
                "16",
                "a bearer token is required",
            ),
            ErrorKind::InvalidRequest => (
                StatusCode::BAD_REQUEST,
                Some(INVALID_REQUEST),
                "16",
                "the request's credentials are malformed",
            ),
            ErrorKind::InvalidToken => (
                StatusCode::UNAUTHORIZED,
                Some(INVALID_TOKEN),
                "16",
                "the token is not valid",
            ),
            ErrorKind::InsufficientScope => (
                StatusCode::FORBIDDEN,
                Some(INSUFFICIENT_SCOPE),
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

impl Challenge {
    const fn new(text: &'static str) -> Self {
        let alone = HeaderValue::from_static(text);
        Self { text, alone }
    }

    /// RFC 6750 section 3, and RFC 9728 section 5.1 for the address of the metadata.
    fn header(self, scope: Option<&str>, resource_metadata: Option<&str>) -> HeaderValue {
        let parameters = [
            ("scope", scope.filter(|scope| is_scope(scope))),
            ("resource_metadata", resource_metadata),
        ];
        let mut text = Cow::Borrowed(self.text);
        for (name, value) in parameters {
            if let Some(value) = value {
                let comma = if text == SCHEME { "" } else { "," };
                text = Cow::Owned(format!("{text}{comma} {name}=\"{value}\""));
            }
        }
        match text {
            Cow::Borrowed(_) => self.alone,
            Cow::Owned(text) => {
                HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(SCHEME))
            }
        }
    }
}

/// RFC 6750 section 3: printable ASCII without quote and backslash. Anything else is left out of a
/// challenge.
fn is_scope(scope: &str) -> bool {
    scope
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

/// How a layer words its refusals. What stands behind the layer and refuses on its own words them
/// the same.
pub(crate) struct Answers {
    shape: Arc<dyn RejectionResponse>,
    resource_metadata: Option<Arc<str>>,
    is_default: bool,
}

impl Answers {
    /// A copy with another shape.
    pub(crate) fn with_shape(&self, shape: impl RejectionResponse) -> Self {
        Self {
            shape: Arc::new(shape),
            resource_metadata: self.resource_metadata.clone(),
            is_default: false,
        }
    }

    /// A copy whose challenges name the address of a resource's metadata.
    pub(crate) fn with_resource_metadata(&self, url: Arc<str>) -> Self {
        Self {
            shape: Arc::clone(&self.shape),
            resource_metadata: Some(url),
            is_default: false,
        }
    }

    /// Whether a request need not carry them along.
    #[inline]
    pub(crate) fn is_default(&self) -> bool {
        self.is_default
    }

    /// Answers a refusal and leaves the error in the response's extensions.
    pub(crate) fn reject(&self, error: Error, protocol: Protocol) -> Response<Bytes> {
        let wire = Wire::of(error.kind());
        let mut response = self.shape.response(&error, protocol);
        let headers = response.headers_mut();
        // The default shape sets none of these.
        if !self.is_default {
            for name in FRAMING {
                headers.remove(name);
            }
        }
        match protocol {
            Protocol::Grpc => trailers_only(&mut response, wire.grpc_status, error.code()),
            Protocol::Http => {
                match wire.challenge {
                    Some(challenge) => {
                        let metadata = self.resource_metadata.as_deref();
                        let challenge = challenge.header(error.scope(), metadata);
                        headers.insert(WWW_AUTHENTICATE, challenge)
                    }
                    None => headers.remove(WWW_AUTHENTICATE),
                };
                if wire.status == StatusCode::SERVICE_UNAVAILABLE {
                    headers.entry(RETRY_AFTER).or_insert(RETRY_AFTER_SECONDS);
                }
                *response.status_mut() = wire.status;
            }
        }
        response.extensions_mut().insert(error);
        response
    }
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            shape: Arc::new(ProblemJson),
            resource_metadata: None,
            is_default: true,
        }
    }
}

impl fmt::Debug for Answers {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answers").finish_non_exhaustive()
    }
}

/// What a server answers whose layers are not in order. The reason is for the log.
pub(crate) fn internal_error(protocol: Protocol) -> Response<Bytes> {
    const CODE: &str = "internal_error";
    match protocol {
        Protocol::Grpc => {
            let mut response = Response::new(Bytes::new());
            trailers_only(&mut response, "13", CODE);
            response
        }
        Protocol::Http => problem(
            StatusCode::INTERNAL_SERVER_ERROR,
            CODE,
            "the server is misconfigured",
        ),
    }
}

fn trailers_only(response: &mut Response<Bytes>, status: &'static str, message: &'static str) {
    *response.status_mut() = StatusCode::OK;
    *response.body_mut() = Bytes::new();
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert("grpc-status", HeaderValue::from_static(status));
    headers.insert("grpc-message", HeaderValue::from_static(message));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_would_break_out_of_its_quotes_is_left_out() {
        assert_eq!(
            INSUFFICIENT_SCOPE.header(Some("orders:read orders:write"), None),
            "Bearer error=\"insufficient_scope\", scope=\"orders:read orders:write\""
        );
        for scope in ["a\"b", "a\\b", "a\nb", "ä"] {
            assert_eq!(
                INSUFFICIENT_SCOPE.header(Some(scope), None),
                "Bearer error=\"insufficient_scope\""
            );
        }
    }

    #[test]
    fn a_challenge_names_the_metadata_last() {
        let url = Some("https://api.example.com/.well-known/oauth-protected-resource");
        assert_eq!(
            BARE.header(None, url),
            "Bearer resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\""
        );
        assert_eq!(
            INVALID_TOKEN.header(None, url),
            "Bearer error=\"invalid_token\", \
             resource_metadata=\"https://api.example.com/.well-known/oauth-protected-resource\""
        );
    }
}
