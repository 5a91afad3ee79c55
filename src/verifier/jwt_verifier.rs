//! The verifier: trusted issuers, verified-token cache and clock.

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

/// The default size of the verified-token cache, in bytes.
const CACHE_CAPACITY: u64 = 64 * 1024 * 1024;

/// Verifies bearer tokens of a list of trusted issuers.
///
/// A clone is cheap, and shares keys and cache. See the [module docs](crate::verifier).
#[derive(Clone)]
pub struct JwtVerifier(Arc<Inner>);

struct Inner {
    /// Shared with verifiers that have another cache: a reload replaces the issuers of all of them.
    trusted: Arc<ArcSwap<TrustedIssuers>>,
    /// Held during a reload: a concurrent one would copy keys that are being withdrawn.
    reloading: Arc<Mutex<()>>,
    tokens: TokenCache,
    clock: Clock,
}

impl JwtVerifier {
    /// Creates a verifier that trusts these issuers.
    ///
    /// Fetches nothing and spawns nothing: remote keys are fetched with the first token, or by
    /// [`ready`](Self::ready).
    ///
    /// # Errors
    ///
    /// Lists every fault of the configuration, each with its
    /// [kind](crate::verifier::BuildFault::kind).
    pub fn new(issuers: impl IntoIterator<Item = TrustedIssuer>) -> Result<Self, BuildError> {
        Self::build(issuers, CACHE_CAPACITY, Faults::default())
    }

    /// Creates a verifier that trusts the issuers of a configuration file or of the environment.
    ///
    /// # Errors
    ///
    /// Lists every fault, as [`new`](Self::new) does, including values that cannot be read.
    /// [`BuildFault::issuer`](crate::verifier::BuildFault::issuer) is the issuer's name in the
    /// configuration.
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

    /// Replaces the trusted issuers.
    ///
    /// Keys, audiences, claims and policy change together. Cached tokens of the old configuration
    /// are verified again. A request under way finishes with either configuration, never with a
    /// mixture. Keys already fetched from an issuer that is in both configurations are kept.
    ///
    /// # Errors
    ///
    /// Lists every fault, as [`new`](Self::new) does. The old configuration then stays in force.
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

    /// Replaces the trusted issuers by those of a configuration. Its `cache_capacity` is ignored.
    ///
    /// # Errors
    ///
    /// Lists every fault, as [`from_config`](Self::from_config) does. The old configuration then
    /// stays in force.
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

    /// Fetches the keys of every issuer, and waits for them.
    ///
    /// Serves as a readiness probe, or fetches the keys at start-up; otherwise the first token waits
    /// for them.
    ///
    /// # Errors
    ///
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the keys of an issuer could not be fetched
    /// in time; [`status`](Self::status) has the cause.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime if keys are remote.
    pub async fn ready(&self) -> Result<(), Error> {
        let trusted = self.0.trusted.load_full();
        for issuer in &trusted.issuers {
            issuer.keys.ready().await?;
        }
        Ok(())
    }

    /// Returns the state of each issuer's keys, in the order of the configuration.
    #[must_use]
    pub fn status(&self) -> Vec<KeyStatus> {
        let trusted = self.0.trusted.load();
        let issuers = trusted.issuers.iter();
        issuers
            .map(|issuer| issuer.keys.status(issuer.name()))
            .collect()
    }

    /// Sets the size of the verified-token cache, in bytes; 0 disables it. Default: 64 MiB.
    ///
    /// An entry counts as the size of its token and 512 bytes, or more if the token lists hundreds of
    /// scopes.
    #[must_use]
    pub fn with_cache_capacity(self, bytes: u64) -> Self {
        Self(Arc::new(Inner {
            trusted: Arc::clone(&self.0.trusted),
            reloading: Arc::clone(&self.0.reloading),
            tokens: TokenCache::new(bytes),
            clock: self.0.clock.clone(),
        }))
    }

    /// Checks tokens against a clock that a test controls.
    #[cfg(any(test, feature = "testing"))]
    #[must_use]
    pub fn with_clock(self, clock: crate::clock::ManualClock) -> Self {
        self.0.clock.set(clock);
        self
    }

    /// Returns the identity of a cached token, without waiting.
    ///
    /// Times and key are checked again: [`verify`](Self::verify) would accept the token now, or would
    /// have accepted it within the last 10 ms.
    #[must_use]
    pub fn cached(&self, token: &str) -> Option<Identity> {
        self.remembered(token.as_bytes())
    }

    /// [`cached`](Self::cached) for bytes that may not have the form of a token.
    #[inline]
    pub(crate) fn remembered(&self, token: &[u8]) -> Option<Identity> {
        self.0.tokens.get(token, self.0.clock.recently())
    }

    /// Rejects text that does not have the form of a token, without waiting.
    pub(crate) fn screen(&self, token: &str) -> Result<(), Error> {
        Ok(token::screen(token)?)
    }

    /// Verifies a token and returns its identity.
    ///
    /// Waits only if the issuer's keys have to be fetched first, and then at most as long as its
    /// [`KeyRefresh`](crate::verifier::KeyRefresh) allows.
    ///
    /// # Errors
    ///
    /// [`InvalidToken`](crate::ErrorKind::InvalidToken) with a [`TokenFault`](crate::TokenFault) as
    /// its source, [`InsufficientScope`](crate::ErrorKind::InsufficientScope), or
    /// [`Unavailable`](crate::ErrorKind::Unavailable) if the keys could not be fetched in time.
    ///
    /// # Panics
    ///
    /// Panics outside of a tokio runtime if the issuer's keys are remote.
    pub async fn verify(&self, token: &str) -> Result<Identity, Error> {
        match self.cached(token) {
            Some(identity) => Ok(identity),
            None => self.verify_new(token).await,
        }
    }

    /// [`verify`](Self::verify) for a token that is not in the cache.
    pub(crate) async fn verify_new(&self, token: &str) -> Result<Identity, Error> {
        loop {
            let trusted = self.0.trusted.load_full();
            match token::check(token, |iss| trusted.find(iss), &self.0.clock).await {
                Ok(identity) => {
                    self.0.tokens.insert(identity.clone());
                    return Ok(identity);
                }
                // A concurrent reload may have withdrawn the keys during the check: try again.
                Err(_) if !Arc::ptr_eq(&trusted, &self.0.trusted.load()) => {}
                Err(error) => return Err(error),
            }
        }
    }

    /// Verifies a token without reading or writing the cache.
    pub(crate) async fn verify_afresh(&self, token: &str) -> Result<Identity, Error> {
        let trusted = self.0.trusted.load_full();
        token::check(token, |iss| trusted.find(iss), &self.0.clock).await
    }

    /// Checks claims as if their issuer had signed them. The identity is no evidence and must not
    /// leave this crate.
    pub(crate) fn check_claims(&self, claims: &str) -> Result<Identity, Error> {
        let trusted = self.0.trusted.load_full();
        token::check_unsigned(claims, |iss| trusted.find(iss), &self.0.clock)
    }
}

#[cfg(all(test, feature = "testing"))]
impl JwtVerifier {
    /// Returns the cache and the current time, for the cache's own tests.
    pub(super) fn tokens_and_now(&self) -> (&TokenCache, i64) {
        (&self.0.tokens, self.0.clock.now())
    }
}

#[cfg(feature = "sea-orm")]
impl JwtVerifier {
    /// Returns the settings that determine identity keys, for each issuer in the order of the
    /// configuration.
    pub(crate) fn terms(&self) -> Vec<IssuerTerms> {
        self.0.trusted.load().terms()
    }
}

#[cfg(feature = "testing")]
impl JwtVerifier {
    /// Checks a token up to its signature, as if its `iss` were `issuer`.
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
