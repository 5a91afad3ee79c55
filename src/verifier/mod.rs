//! From a bearer token to an [`Identity`](crate::Identity).
//!
//! A [`JwtVerifier`] trusts a list of issuers, each with its own keys, audience, algorithms, claims
//! and policy. A token is checked against the one issuer that its `iss` names, byte for byte; there
//! is no fallback. Keys come only from the sources in the configuration, never from a URL or a key
//! in a token. A token can cause at most one fetch of its issuer's keys in each cool-down.
//!
//! ```
//! use tower_jit_provisioning::{ErrorKind, JwtVerifier, KeySource, TrustedIssuer};
//!
//! # #[tokio::main(flavor = "current_thread")]
//! # async fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let secret = [7; 32];
//! let issuer = TrustedIssuer::new(
//!     "https://id.example.com",
//!     "orders-api",
//!     KeySource::hmac_secret(secret),
//! );
//! let verifier = JwtVerifier::new([issuer])?;
//! let error = verifier.verify("not.a.token").await.unwrap_err();
//! assert_eq!(error.kind(), ErrorKind::InvalidToken);
//! # Ok(())
//! # }
//! ```
//!
//! # Requirements for every token
//!
//! * Form: at most 16 KiB in three non-empty canonical base64url parts. Header and claims are one
//!   JSON object each, with unique member names.
//! * Header: `alg` is allowed for the issuer and fits the key. `crit`, `b64`, `zip` and `enc` are
//!   absent. Keys in the header are not read. `typ` is absent or an access token's.
//! * Issuer and key: `iss` is one string and exactly a trusted issuer's. The key is found by issuer
//!   and `kid`.
//! * Times: `exp` is present. `exp`, `nbf` and `iat` are finite numbers. With the leeway, `exp` is in
//!   the future, `nbf` and `iat` are not, and the token is within the issuer's maximum age.
//! * Claims: `aud` names a configured audience, `cnf` is absent, and required claims and scopes are
//!   present.
//! * Subject: a non-empty string of at most 255 bytes without control characters.
//!
//! aws-lc-rs or RustCrypto verifies the signature behind jsonwebtoken's `crypto::JwtVerifier`; all
//! other checks are this crate's. jsonwebtoken's own `decode` is not used: it accepts any `typ`, a
//! missing `iss` or `aud`, a future `nbf`, and duplicate claims, and parses the key again for each
//! token.

pub(crate) mod algorithm;
pub(crate) mod audience;
pub(crate) mod build_error;
mod build_fault_kind;
mod coherence;
pub(crate) mod config;
mod issuer;
#[cfg(feature = "sea-orm")]
mod issuer_terms;
pub(crate) mod jwt_verifier;
pub(crate) mod keys;
mod roca;
mod signature;
mod tenancy;
mod token;
mod token_cache;
pub(crate) mod trusted_issuer;
mod trusted_issuers;

#[cfg(feature = "sea-orm")]
pub(crate) use self::issuer_terms::IssuerTerms;
pub(crate) use self::jwt_verifier::JwtVerifier;
pub use self::{
    build_error::BuildFault,
    build_fault_kind::BuildFaultKind,
    keys::{KeyRefresh, KeyStatus},
};
#[cfg(fuzzing)]
pub(crate) use self::{keys::parse_jwks, token::Header};
