//! The wire form of each kind of refusal, in one `match`.

use std::borrow::Cow;

use http::{HeaderValue, StatusCode};

use crate::error::ErrorKind;

/// The only supported scheme (RFC 6750).
const SCHEME: &str = "Bearer";

/// One row of the table in the [module docs](super).
pub(super) struct Wire {
    pub(super) status: StatusCode,
    pub(super) challenge: Option<Challenge>,
    pub(super) grpc_status: &'static str,
    pub(super) title: &'static str,
}

/// A challenge, with an error code unless the token is missing. Most challenges have no parameters
/// and are sent as static values, so that a flood of invalid requests allocates nothing for them.
pub(super) struct Challenge {
    text: &'static str,
    value: HeaderValue,
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
        let value = HeaderValue::from_static(text);
        Self { text, value }
    }

    /// Returns the header: RFC 6750 section 3, and RFC 9728 section 5.1 for the metadata's URL.
    pub(super) fn header(
        self,
        scope: Option<&str>,
        resource_metadata: Option<&str>,
    ) -> HeaderValue {
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
            Cow::Borrowed(_) => self.value,
            Cow::Owned(text) => {
                HeaderValue::try_from(text).unwrap_or(HeaderValue::from_static(SCHEME))
            }
        }
    }
}

/// Returns whether a challenge can contain the scope. RFC 6750 section 3 allows printable ASCII
/// without quote and backslash; other scopes are omitted.
fn is_scope(scope: &str) -> bool {
    scope
        .bytes()
        .all(|byte| matches!(byte, b' '..=b'~') && !matches!(byte, b'"' | b'\\'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_scope_that_would_break_its_quotes_is_omitted() {
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
    fn a_challenge_ends_with_the_metadata() {
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
