//! The checks that a token can fail.

use std::{error::Error as StdError, fmt};

/// The check that a token failed.
///
/// For logs and metrics. The response only contains `invalid_token`, because the failed check would
/// help an attacker.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum TokenFault {
    /// `alg` is unknown, not allowed for the issuer, or does not fit the key (RFC 8725 section
    /// 3.1).
    Algorithm,
    /// `aud` contains no audience of the issuer's configuration (RFC 7519 section 4.1.3).
    Audience,
    /// The claims are not one JSON object with unique names, or a checked claim has a wrong type.
    Claims,
    /// `crit`, `b64`, `enc` or `zip` is present: an extension that this crate does not implement
    /// (RFC 7515 section 4.1.11).
    CriticalHeader,
    /// `exp` is in the past.
    Expired,
    /// `exp` is missing.
    ExpiryMissing,
    /// The header is not one JSON object with unique names, or a checked member has a wrong type.
    Header,
    /// `iss` is missing, not a string, or not a trusted issuer.
    Issuer,
    /// The issuer has no usable key with this `kid`, or several keys fit.
    Key,
    /// The token does not have three non-empty, canonical base64url parts.
    Malformed,
    /// `nbf` or `iat` is in the future.
    NotYetValid,
    /// The token is bound to a key or certificate (`cnf`), and no proof of possession was verified.
    ProofOfPossession,
    /// A claim that the issuer's configuration requires is missing or has another value.
    RequiredClaim,
    /// The signature is not valid.
    Signature,
    /// The subject is missing, empty, not a string, too long, or contains control characters.
    Subject,
    /// The tenant claim is missing, or its tenant is not allowed.
    Tenant,
    /// The token is an ID, refresh or logout token, or its `typ` is not that of an access token.
    TokenType,
    /// The token is larger than 16 KiB.
    TooLarge,
    /// The token is older than the issuer's configuration allows, or `iat` is missing although a
    /// maximum age is configured.
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
