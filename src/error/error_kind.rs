//! The kinds of refusal.

/// The kind of a refusal. [`rejection`](crate::rejection) maps each kind to a response.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token's vouched e-mail address belongs to another user.
    Conflict,
    /// The token is valid, but policy or [`RequireLayer`](crate::RequireLayer) refuses its subject;
    /// or the token is in a cookie and the request comes from another site
    /// ([`TokenSource::cookie`](crate::TokenSource::cookie)).
    Denied,
    /// The token is valid, but lacks a scope that the issuer's configuration or
    /// [`RequireLayer`](crate::RequireLayer) requires.
    InsufficientScope,
    /// The request carries two credentials, a scheme without a credential, or bytes that are not
    /// text.
    InvalidRequest,
    /// The token failed a check or was revoked.
    InvalidToken,
    /// The request carries no bearer token.
    MissingToken,
    /// The issuer's keys or the user store are unavailable.
    Unavailable,
}

impl ErrorKind {
    /// Returns the stable label, as in the table of [`rejection`](crate::rejection).
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Denied => "denied",
            Self::InsufficientScope => "insufficient_scope",
            Self::InvalidRequest => "invalid_request",
            Self::InvalidToken => "invalid_token",
            Self::MissingToken => "missing_token",
            Self::Unavailable => "unavailable",
        }
    }
}
