//! From a bearer token to an [`Identity`](crate::Identity).
//!
//! A [`JwtVerifier`] trusts a list of issuers, each with its own keys, audience, algorithms, claims
//! and policy. A token is checked against the one issuer that its `iss` names, byte for byte; there
//! is no fallback. Keys come from where the configuration says, never from where a token says; all
//! a token can cause is one more fetch of its issuer's keys, within a cool-down.
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
//! # What must hold for every token
//!
//! * at most 16 KiB, three non-empty canonical base64url parts, header and claims one JSON object
//!   each with unique member names;
//! * `alg` allowed for the issuer and fitting the key; no `crit`, `b64`, `zip` or `enc`; keys the
//!   header brings along are not read; `typ` absent or an access token's;
//! * `iss` one string, exactly a trusted issuer's; the key found by issuer and `kid`;
//! * `exp` present; `exp`, `nbf` and `iat` finite numbers; nothing past or in the future beyond the
//!   leeway, nothing older than the issuer's maximum age;
//! * `aud` names a configured audience; no `cnf`; required claims and scopes present;
//! * the subject a non-empty string of at most 255 bytes without control characters.
//!
//! aws-lc-rs or RustCrypto verifies the signature behind jsonwebtoken's `crypto::JwtVerifier`, and
//! nothing else. jsonwebtoken's own `decode` is not used: it accepts any `typ`, a missing `iss` or
//! `aud`, a future `nbf`, and duplicate claims, and parses the key again for each token.

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
