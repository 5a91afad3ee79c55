//! The verifier: issuers, cache and clock.

use std::{
    fmt,
    sync::{Arc, Mutex, PoisonError},
};

use arc_swap::ArcSwap;

#[cfg(feature = "sea-orm")]
use super::issuer_terms::IssuerTerms;
use super::{
    build_error::{BuildError, Faults},
    config::VerifierConfig,
    keys::KeyStatus,
    token,
    token_cache::TokenCache,
    trusted_issuer::TrustedIssuer,
    trusted_issuers::TrustedIssuers,
};
#[cfg(feature = "testing")]
use crate::error::TokenFault;
use crate::{clock::Clock, error::Error, identity::Identity};

/// The verified-token cache's default size.
const CACHE_CAPACITY: u64 = 64 * 1024 * 1024;

/// Verifies bearer tokens of a list of trusted issuers.
///
/// Cheap to clone; clones share keys and cache. See the [module docs](crate::verifier).
#[derive(Clone)]
pub struct JwtVerifier(Arc<Inner>);

struct Inner {
    /// Shared with verifiers that differ in their cache: a reload retires the keys of all.
    trusted: Arc<ArcSwap<TrustedIssuers>>,
    /// Held by a reload: one that began meanwhile would take over keys that are being withdrawn.
    reloading: Arc<Mutex<()>>,
    tokens: TokenCache,
    clock: Clock,
}

impl JwtVerifier {
    /// Trusts these issuers. Fetches nothing and spawns nothing: remote keys are fetched with the
    /// first token, or by [`ready`](Self::ready).
    ///
    /// # Errors
    ///
    /// Every fault of the configuration at once, each with its
    /// [kind](crate::verifier::BuildFault::kind).
    pub fn new(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<Self, BuildError> {
        Self::build(issuers, CACHE_CAPACITY, Faults::default())
    }

    /// Trusts the issuers of a configuration file or of the environment.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new), and every value that cannot be read; [`BuildFault::issuer`](crate::verifier::BuildFault::issuer) is then
    /// the name that the operator gave the issuer.
    pub fn from_config(config: VerifierConfig) -> Result<Self, BuildError> {
        let mut faults = Faults::default();
        let (issuers, capacity) = config.read(&mut faults);
        Self::build(issuers, capacity.unwrap_or(CACHE_CAPACITY), faults)
    }

    fn build(
        issuers: impl IntoIterator<Item = TrustedIssuer>,
        cache_capacity: u64,
        faults: Faults,
    ) -> Result<Self, BuildError> {
        let clock = Clock::default();
        Ok(Self(Arc::new(Inner {
            trusted: Arc::new(ArcSwap::from_pointee(TrustedIssuers::build(
                issuers, &clock, faults,
            )?)),
            reloading: Arc::default(),
            tokens: TokenCache::new(cache_capacity),
            clock,
        })))
    }

    /// Trusts these issuers from now on, and no others.
    ///
    /// Keys, audiences, claims and policy change together. Cached tokens of the old configuration
    /// are verified again; a request under way finishes by one configuration or the other. Keys
    /// already fetched from an issuer that stays are kept.
    ///
    /// # Errors
    ///
    /// As [`new`](Self::new); the old configuration then stays in force.
    pub fn reload(
        &self,
        issuers: impl IntoIterator<Item = TrustedIssuer>,
    ) -> Result<(), BuildError> {
        self.replace(TrustedIssuers::build(
            issuers,
            &self.0.clock,
            Faults::default(),
        )?);
        Ok(())
    }

    /// Trusts the issuers of a configuration from now on; the size of the cache stays.
    ///
    /// # Errors
    ///
    /// As [`from_config`](Self::from_config); the old configuration then stays in force.
    pub fn reload_config(&self, config: VerifierConfig) -> Result<(), BuildError> {
        let mut faults = Faults::default();
        let (issuers, _) = config.read(&mut faults);
        self.replace(TrustedIssuers::build(issuers, &self.0.clock, faults)?);
        Ok(())
    }

    fn replace(&self, trusted: TrustedIssuers) {
        let reloading = self.0.reloading.lock();
        let _reloading = reloading.unwrap_or_else(PoisonError::into_inner);
        let old = self.0.trusted.load_full();
        trusted.adopt(&old);
        let old = self.0.trusted.swap(Arc::new(trusted));
        old.withdraw();
    }

    /// Fetches every issuer's keys, and waits until all are there or one cannot be had in time.
    ///
    /// For a readiness probe, or to start up warm; without it the first token waits.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable); [`status`](Self::status) says why.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, if keys are remote.
    pub async fn ready(&self) -> Result<(), Error> {
        let trusted = self.0.trusted.load_full();
        for issuer in &trusted.issuers {
            issuer.keys.ready().await?;
        }
        Ok(())
    }

    /// Returns how each issuer's keys are doing, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<KeyStatus> {
        let trusted = self.0.trusted.load();
        let issuers = trusted.issuers.iter();
        issuers
            .map(|issuer| issuer.keys.status(issuer.name()))
            .collect()
    }

    /// Bounds the verified-token cache, in bytes; 0 switches it off. Default: 64 MiB.
    ///
    /// An entry counts as its token and 512 bytes, or more where the token lists hundreds of scopes.
    #[must_use]
    pub fn with_cache_capacity(self, bytes: u64) -> Self {
        Self(Arc::new(Inner {
            trusted: Arc::clone(&self.0.trusted),
            reloading: Arc::clone(&self.0.reloading),
            tokens: TokenCache::new(bytes),
            clock: self.0.clock.clone(),
        }))
    }

    /// Checks tokens against a clock that only a test moves.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn with_clock(self, clock: crate::clock::ManualClock) -> Self {
        self.0.clock.set(clock);
        self
    }

    /// Returns the identity of a token that passed before, without waiting.
    ///
    /// Times and key are checked again: a token served from memory is one that
    /// [`verify`](Self::verify) would accept at this moment, or would have within the last 10 ms.
    #[must_use]
    pub fn cached(&self, token: &str) -> Option<Identity> {
        self.remembered(token.as_bytes())
    }

    /// [`cached`](Self::cached), for what may be no token.
    #[inline]
    pub(crate) fn remembered(&self, token: &[u8]) -> Option<Identity> {
        self.0.tokens.get(token, self.0.clock.recently())
    }

    /// Refuses, without waiting, what has not even the form of a token.
    pub(crate) fn screen(&self, token: &str) -> Result<(), Error> {
        Ok(token::screen(token)?)
    }

    /// Checks a token and returns whom it speaks for.
    ///
    /// Waits only where the issuer's keys have to be fetched first, and then within the bounds of
    /// its [`KeyRefresh`](crate::verifier::KeyRefresh).
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::ErrorKind::InvalidToken) with a [`TokenFault`](crate::TokenFault) as its source,
    /// [`InsufficientScope`](crate::ErrorKind::InsufficientScope), or
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the keys cannot be had.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime, if the issuer's keys are remote.
    pub async fn verify(&self, token: &str) -> Result<Identity, Error> {
        match self.cached(token) {
            Some(identity) => Ok(identity),
            None => self.verify_new(token).await,
        }
    }

    /// [`verify`](Self::verify), for a token that is not remembered.
    pub(crate) async fn verify_new(&self, token: &str) -> Result<Identity, Error> {
        loop {
            let trusted = self.0.trusted.load_full();
            match token::check(token, |iss| trusted.find(iss), &self.0.clock).await {
                Ok(identity) => {
                    self.0.tokens.insert(identity.clone());
                    return Ok(identity);
                }
                // The keys it needed may have been withdrawn by a reload half way.
                Err(_) if !Arc::ptr_eq(&trusted, &self.0.trusted.load()) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Checks a token from the start, though it may be remembered, and remembers nothing.
    pub(crate) async fn verify_afresh(&self, token: &str) -> Result<Identity, Error> {
        let trusted = self.0.trusted.load_full();
        token::check(token, |iss| trusted.find(iss), &self.0.clock).await
    }

    /// Checks claims as if their issuer had signed them. The identity is no evidence, and must not
    /// leave this crate.
    pub(crate) fn check_claims(&self, claims: &str) -> Result<Identity, Error> {
        let trusted = self.0.trusted.load_full();
        token::check_unsigned(claims, |iss| trusted.find(iss), &self.0.clock)
    }
}

#[cfg(test)]
impl JwtVerifier {
    /// Returns the cache and the present, for the cache's own tests.
    pub(super) fn tokens_and_now(&self) -> (&TokenCache, i64) {
        (&self.0.tokens, self.0.clock.now())
    }
}

#[cfg(feature = "sea-orm")]
impl JwtVerifier {
    /// Returns the terms of every issuer, in the order of the configuration.
    pub(crate) fn terms(&self) -> Vec<IssuerTerms> {
        self.0.trusted.load().terms()
    }
}

#[cfg(feature = "testing")]
impl JwtVerifier {
    /// Checks a token as far as its signature, as if its `iss` were `issuer`.
    pub(crate) async fn verify_jws(&self, issuer: &str, token: &str) -> Result<Vec<u8>, Error> {
        let trusted = self.0.trusted.load_full();
        let issuer = trusted.find(issuer).ok_or(TokenFault::Issuer)?;
        token::check_jws(token, issuer, &self.0.clock).await
    }
}

impl fmt::Debug for JwtVerifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let trusted = self.0.trusted.load();
        f.debug_struct("JwtVerifier")
            .field("issuers", &trusted.spellings())
            .finish_non_exhaustive()
    }
}
