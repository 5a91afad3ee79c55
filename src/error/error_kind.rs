//! The kinds of refusal.

/// The kinds of refusal, one for each row of the wire table in [`rejection`](crate::rejection).
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// The token's vouched e-mail address belongs to somebody else.
    Conflict,
    /// The token is good and policy refuses its subject, or [`RequireLayer`](crate::RequireLayer)
    /// does; or the token is a cookie's and another site's request
    /// ([`TokenSource::cookie`](crate::TokenSource::cookie)).
    Denied,
    /// The token is good and lacks a scope that the issuer's configuration or
    /// [`RequireLayer`](crate::RequireLayer) asks for.
    InsufficientScope,
    /// The request carries two credentials, or none where it announces one, or no text.
    InvalidRequest,
    /// The token failed a check, or was revoked.
    InvalidToken,
    /// The request carries no bearer token.
    MissingToken,
    /// Keys or store cannot be reached.
    Unavailable,
}

impl ErrorKind {
    /// Returns the stable label, as the wire table names it.
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
