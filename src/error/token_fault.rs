//! What can be wrong with a token.

use std::{error::Error as StdError, fmt};

/// The check that a token failed.
///
/// For logs and metrics: the caller is told `invalid_token` and no more, because which check failed
/// helps an attacker and nobody else.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenFault {
    /// `alg` is unknown, not allowed for the issuer, or does not fit the key (RFC 8725 section 3.1).
    Algorithm,
    /// No audience of the issuer's configuration is named (RFC 7519 section 4.1.3).
    Audience,
    /// The claims are not one JSON object with unique names, or a checked one has a wrong type.
    Claims,
    /// `crit`, `b64`, `enc` or `zip` is present: an extension this crate does not implement
    /// (RFC 7515 section 4.1.11).
    CriticalHeader,
    /// `exp` is past.
    Expired,
    /// `exp` is missing.
    ExpiryMissing,
    /// The header is not one JSON object with unique names, or a checked member has a wrong type.
    Header,
    /// `iss` is missing, not one string, or not a trusted issuer.
    Issuer,
    /// The issuer has no usable key of that `kid`, or `kid` leaves several to choose from.
    Key,
    /// Not three non-empty canonical base64url parts.
    Malformed,
    /// `nbf` or `iat` lies in the future.
    NotYetValid,
    /// The token is bound to a key or certificate (`cnf`) whose proof nobody verified.
    ProofOfPossession,
    /// A claim the issuer's configuration requires is missing or different.
    RequiredClaim,
    /// The signature does not verify.
    Signature,
    /// The subject is missing, empty, not a string, too long, or has control characters.
    Subject,
    /// The claim that names the tenant is missing, or names one that is not allowed.
    Tenant,
    /// An ID, refresh or logout token, or a `typ` that is no access token's.
    TokenType,
    /// More than 16 KiB.
    TooLarge,
    /// Older than the issuer's configuration allows, or without `iat` where it sets an age.
    TooOld,
}

impl TokenFault {
    /// Returns the stable label.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Algorithm => "algorithm",
            Self::Audience => "audience",
            Self::Claims => "claims",
            Self::CriticalHeader => "critical_header",
            Self::Expired => "expired",
            Self::ExpiryMissing => "expiry_missing",
            Self::Header => "header",
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Malformed => "malformed",
            Self::NotYetValid => "not_yet_valid",
            Self::ProofOfPossession => "proof_of_possession",
            Self::RequiredClaim => "required_claim",
            Self::Signature => "signature",
            Self::Subject => "subject",
            Self::Tenant => "tenant",
            Self::TokenType => "token_type",
            Self::TooLarge => "too_large",
            Self::TooOld => "too_old",
        }
    }
}

impl fmt::Display for TokenFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the token failed the check `{}`", self.as_str())
    }
}

impl StdError for TokenFault {}
