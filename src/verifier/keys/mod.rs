//! The keys of one issuer.
//!
//! Keys are parsed once, when a set is read. A key that cannot be used is skipped with a log line
//! and never fails the set: providers publish keys for encryption and for algorithms of tomorrow
//! beside the ones in use. A set without any usable key is a fault.

mod jwk;
mod pem;

use std::{
    collections::HashMap,
    fmt,
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
};

use super::{algorithm::Algorithm, fault::TokenFault, signature::VerifyingKey};

/// The longest `kid`, in bytes.
pub(crate) const MAX_KID: usize = 1024;

/// Where an issuer's keys come from.
///
/// ```
/// use tower_jit_provisioning::KeySource;
///
/// let published = KeySource::jwks(r#"{"keys":[]}"#);
/// let pinned = KeySource::pem("-----BEGIN PUBLIC KEY----- ...");
/// # let _ = (published, pinned);
/// ```
///
/// The text is parsed when the verifier is built.
#[must_use]
#[derive(Clone)]
pub struct KeySource(Source);

#[derive(Clone)]
enum Source {
    Hmac(Box<[u8]>),
    Jwks(Box<str>),
    Pem(Box<str>),
}

impl KeySource {
    /// Trusts the public keys of a JWK set (RFC 7517 section 5).
    ///
    /// A symmetric key in it is skipped: a set is public, and a public secret signs for anybody.
    pub fn jwks(json: impl Into<String>) -> Self {
        Self(Source::Jwks(json.into().into()))
    }

    /// Trusts one public key in PEM (`PUBLIC KEY` or `RSA PUBLIC KEY`), whatever `kid` a token names.
    pub fn pem(text: impl Into<String>) -> Self {
        Self(Source::Pem(text.into().into()))
    }

    /// Trusts tokens signed with a shared secret of at least 32 bytes (RFC 7518 section 3.2),
    /// whatever `kid` they name.
    ///
    /// Everybody who can verify with it can also sign. Use it where one party does both.
    pub fn hmac_secret(secret: impl AsRef<[u8]>) -> Self {
        Self(Source::Hmac(secret.as_ref().into()))
    }

    pub(crate) fn is_hmac(&self) -> bool {
        matches!(self.0, Source::Hmac(_))
    }

    /// The length of the shared secret, for the rule of RFC 7518 section 3.2.
    pub(crate) fn hmac_secret_length(&self) -> Option<usize> {
        match &self.0 {
            Source::Hmac(secret) => Some(secret.len()),
            Source::Jwks(_) | Source::Pem(_) => None,
        }
    }

    /// Parses the keys; the error says why none is usable, without any key material.
    pub(crate) fn load(&self) -> Result<KeySet, &'static str> {
        match &self.0 {
            Source::Hmac(secret) => Ok(KeySet::pinned(VerifyingKey::hmac(secret))),
            Source::Jwks(json) => jwk::parse_set(json),
            Source::Pem(text) => pem::parse(text).map(KeySet::pinned),
        }
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Hmac(_) => "KeySource::hmac_secret(..)",
            Source::Jwks(_) => "KeySource::jwks(..)",
            Source::Pem(_) => "KeySource::pem(..)",
        })
    }
}

/// One key of a set, and until when its signatures count.
pub(crate) struct TrustedKey {
    key: VerifyingKey,
    /// The algorithms this key may verify, by its type and its own `alg`.
    algorithms: Box<[Algorithm]>,
    /// Milliseconds since the Unix epoch. 0 once the key was withdrawn: every token that was
    /// verified with it, cached or not, dies with it.
    valid_until: AtomicI64,
}

impl TrustedKey {
    fn new(key: VerifyingKey, own_algorithm: Option<Algorithm>) -> Option<Self> {
        let algorithms: Box<[Algorithm]> = key
            .fits()
            .iter()
            .copied()
            .filter(|fit| own_algorithm.is_none_or(|own| own == *fit))
            .collect();
        (!algorithms.is_empty()).then(|| Self {
            key,
            algorithms,
            valid_until: AtomicI64::new(i64::MAX),
        })
    }

    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        self.key.verifies(algorithm, message, signature)
    }

    pub(crate) fn is_valid_at(&self, now: i64) -> bool {
        now < self.valid_until.load(Ordering::Acquire)
    }
}

/// The usable keys of one issuer.
pub(crate) struct KeySet {
    /// The operator pinned one key: `kid` decides nothing.
    pinned: Option<Arc<TrustedKey>>,
    /// `None` where two different keys share the name: neither is guessed.
    by_kid: HashMap<Box<str>, Option<Arc<TrustedKey>>>,
    without_kid: Vec<Arc<TrustedKey>>,
}

impl KeySet {
    fn pinned(key: VerifyingKey) -> Self {
        Self {
            pinned: TrustedKey::new(key, None).map(Arc::new),
            by_kid: HashMap::new(),
            without_kid: Vec::new(),
        }
    }

    fn published(keys: impl IntoIterator<Item = (Option<Box<str>>, TrustedKey)>) -> Self {
        let mut set = Self {
            pinned: None,
            by_kid: HashMap::new(),
            without_kid: Vec::new(),
        };
        for (kid, key) in keys {
            match kid {
                None => set.without_kid.push(Arc::new(key)),
                Some(kid) => match set.by_kid.get_mut(&kid) {
                    None => {
                        set.by_kid.insert(kid, Some(Arc::new(key)));
                    }
                    Some(slot) => {
                        if slot
                            .as_ref()
                            .is_some_and(|other| !other.key.is_same_key(&key.key))
                        {
                            tracing::warn!(%kid, "two different keys share a kid; neither is used");
                            *slot = None;
                        }
                    }
                },
            }
        }
        set
    }

    fn is_empty(&self) -> bool {
        self.pinned.is_none() && self.without_kid.is_empty() && self.keys().next().is_none()
    }

    fn keys(&self) -> impl Iterator<Item = &Arc<TrustedKey>> {
        self.by_kid.values().flatten()
    }

    /// Finds the one key that the header means.
    ///
    /// # Errors
    ///
    /// `Key` if there is no such key, or, for a token without `kid`, not exactly one that fits;
    /// `Algorithm` if the named key cannot verify with that algorithm.
    pub(crate) fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<&Arc<TrustedKey>, TokenFault> {
        let fits = |key: &&Arc<TrustedKey>| key.algorithms.contains(&algorithm);
        let named = match (&self.pinned, kid) {
            (Some(pinned), _) => Some(pinned),
            (None, Some(kid)) => self.by_kid.get(kid).and_then(Option::as_ref),
            (None, None) => {
                let mut fitting = self.keys().chain(&self.without_kid).filter(fits);
                return match (fitting.next(), fitting.next()) {
                    (Some(only), None) => Ok(only),
                    _ => Err(TokenFault::Key),
                };
            }
        };
        let key = named.ok_or(TokenFault::Key)?;
        Some(key).filter(fits).ok_or(TokenFault::Algorithm)
    }
}
