//! From a bearer token to an [`Identity`].
//!
//! A [`JwtVerifier`] trusts a list of issuers, each with its own keys, audience, algorithms, claims
//! and policy. A token is checked against the one issuer that its `iss` names, byte for byte; there
//! is no fallback, and no request ever leaves the process because of what a token says.
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
//! jsonwebtoken supplies the signature backends. Its own `decode` is not used: it accepts any
//! `crit`, any `typ`, a missing `iss` or `aud`, a future `nbf`, and duplicate claims.

mod algorithm;
mod build_error;
mod cache;
mod clock;
mod fault;
mod issuer;
mod keys;
mod signature;
mod token;

use std::{collections::HashMap, fmt, sync::Arc};

#[cfg(any(test, feature = "testing"))]
pub(crate) use self::clock::{millis, to_millis};
pub(crate) use self::token::payload_of;
pub use self::{
    algorithm::Algorithm,
    build_error::{BuildError, BuildFault},
    fault::TokenFault,
    issuer::{Audience, TrustedIssuer},
    keys::KeySource,
};
use self::{build_error::Faults, cache::TokenCache, clock::Clock, issuer::Issuer};
use crate::{error::Error, identity::Identity};

/// The verified-token cache's default size.
const CACHE_CAPACITY: u64 = 64 * 1024 * 1024;

/// Verifies bearer tokens of a list of trusted issuers.
///
/// Cheap to clone; clones share keys and cache. See the [module docs](self).
#[derive(Clone)]
pub struct JwtVerifier(Arc<Inner>);

struct Inner {
    /// By every spelling of `iss`.
    issuers: Arc<HashMap<Box<str>, Arc<Issuer>>>,
    tokens: TokenCache,
    clock: Clock,
}

impl JwtVerifier {
    /// Trusts these issuers.
    ///
    /// # Errors
    ///
    /// Every fault of the configuration at once, each with a stable
    /// [code](BuildFault::code).
    pub fn new(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<Self, BuildError> {
        let mut faults = Faults::default();
        let mut by_spelling = HashMap::new();
        if signature::backend().is_none() {
            let detail = "neither feature `aws-lc-rs` nor `rust-crypto` is enabled";
            faults.add("no_backend", "", detail);
        }
        let mut is_empty = true;
        for trusted in issuers {
            is_empty = false;
            let spellings: Vec<Box<str>> = trusted.spellings().map(Box::from).collect();
            let canonical = spellings[0].clone();
            let issuer = trusted.build(&mut faults).map(Arc::new);
            for spelling in spellings {
                let detail = format!("`{spelling}` is configured twice");
                if by_spelling.insert(spelling, issuer.clone()).is_some() {
                    faults.add("duplicate_issuer", &canonical, detail);
                }
            }
        }
        if is_empty {
            faults.add("no_issuers", "", "no issuer is trusted");
        }
        faults.into_result()?;
        let issuers = by_spelling
            .into_iter()
            .filter_map(|(spelling, issuer)| Some((spelling, issuer?)))
            .collect();
        Ok(Self(Arc::new(Inner {
            issuers: Arc::new(issuers),
            tokens: TokenCache::new(CACHE_CAPACITY),
            clock: Clock::default(),
        })))
    }

    /// Bounds the verified-token cache, in bytes; 0 switches it off. Default: 64 MiB.
    ///
    /// An entry counts as its token and 512 bytes.
    #[must_use]
    pub fn with_cache_capacity(self, bytes: u64) -> Self {
        Self(Arc::new(Inner {
            issuers: Arc::clone(&self.0.issuers),
            tokens: TokenCache::new(bytes),
            clock: self.0.clock.clone(),
        }))
    }

    /// Checks tokens against a clock that only a test moves.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn with_clock(self, clock: crate::testing::ManualClock) -> Self {
        Self(Arc::new(Inner {
            issuers: Arc::clone(&self.0.issuers),
            tokens: TokenCache::new(CACHE_CAPACITY),
            clock: Clock::Manual(clock),
        }))
    }

    /// Returns the identity of a token that passed before, without waiting.
    ///
    /// Times and key are checked again: a token served from memory is one that
    /// [`verify`](Self::verify) would accept at this moment.
    #[must_use]
    pub fn cached(&self, token: &str) -> Option<Identity> {
        self.0.tokens.get(token, self.0.clock.now())
    }

    /// Checks a token and returns whom it speaks for.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::ErrorKind::InvalidToken) with a [`TokenFault`] as its source, or
    /// [`InsufficientScope`](crate::ErrorKind::InsufficientScope).
    pub async fn verify(&self, token: &str) -> Result<Identity, Error> {
        if let Some(identity) = self.cached(token) {
            return Ok(identity);
        }
        let find = |iss: &str| self.0.issuers.get(iss).map(Arc::as_ref);
        let passed = token::check(token, find, self.0.clock.now())?;
        let identity = passed.identity.clone();
        self.0.tokens.insert(identity.token(), passed);
        Ok(identity)
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut issuers: Vec<_> = self.0.issuers.keys().collect();
        issuers.sort_unstable();
        f.debug_struct("JwtVerifier")
            .field("issuers", &issuers)
            .finish_non_exhaustive()
    }
}
