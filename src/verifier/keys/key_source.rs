//! The source of an issuer's keys.

use std::{fmt, sync::Arc};

use super::{
    issuer_keys::IssuerKeys, jwk, key_refresh::KeyRefresh, key_set::KeySet, location::Location,
    pem, remote_keys::RemoteKeys,
};
use crate::{clock::Clock, fetch::DocumentFetcher, verifier::signature::VerifyingKey};

/// Source of an issuer's keys.
///
/// ```
/// use tower_jit_provisioning::KeySource;
///
/// let published = KeySource::jwks(r#"{"keys":[]}"#);
/// let pinned = KeySource::pem("-----BEGIN PUBLIC KEY----- ...");
/// # let _ = (published, pinned);
/// ```
///
/// Keys given as text are parsed when the verifier is built.
#[must_use]
#[derive(Clone)]
pub struct KeySource(Source);

#[derive(Clone)]
enum Source {
    Hmac(Box<[u8]>),
    Jwks(Box<str>),
    Pem(Box<str>),
    Remote(Location, Arc<dyn DocumentFetcher>),
}

impl KeySource {
    /// Trusts the public keys of a JWK set (RFC 7517 section 5).
    ///
    /// Symmetric keys in it are skipped: a set is public, and anyone can sign with a published secret.
    pub fn jwks(json: impl Into<String>) -> Self {
        Self(Source::Jwks(json.into().into()))
    }

    /// Trusts one public key in PEM (`PUBLIC KEY` or `RSA PUBLIC KEY`). The `kid` of a token is
    /// ignored.
    pub fn pem(text: impl Into<String>) -> Self {
        Self(Source::Pem(text.into().into()))
    }

    /// Trusts tokens signed with a shared secret of at least 32 bytes (RFC 7518 section 3.2). The
    /// `kid` of a token is ignored.
    ///
    /// Every party that can verify with the secret can also sign. Use it where one party does both.
    pub fn hmac_secret(secret: impl AsRef<[u8]>) -> Self {
        Self(Source::Hmac(secret.as_ref().into()))
    }

    /// Fetches the key set that the issuer's own metadata names: OpenID Connect Discovery 1.0, or
    /// RFC 8414 if the issuer has no such document.
    pub fn discovery(fetcher: impl DocumentFetcher) -> Self {
        Self(Source::Remote(Location::Discovery, Arc::new(fetcher)))
    }

    /// Fetches the key set from a URL: `https`, or `http` on loopback.
    pub fn jwks_url(url: impl Into<String>, fetcher: impl DocumentFetcher) -> Self {
        let location = Location::Jwks(url.into().into());
        Self(Source::Remote(location, Arc::new(fetcher)))
    }

    pub(crate) fn is_hmac(&self) -> bool {
        matches!(self.0, Source::Hmac(_))
    }

    /// Returns the length of the shared secret in bytes; `None` means that the keys are public.
    pub(crate) fn hmac_secret_length(&self) -> Option<usize> {
        match &self.0 {
            Source::Hmac(secret) => Some(secret.len()),
            Source::Jwks(_) | Source::Pem(_) | Source::Remote(..) => None,
        }
    }

    /// Returns the URL that keys or metadata are fetched from; `None` means that nothing is fetched.
    pub(crate) fn url<'s>(&'s self, issuer: &'s str) -> Option<&'s str> {
        match &self.0 {
            Source::Hmac(_) | Source::Jwks(_) | Source::Pem(_) => None,
            Source::Remote(Location::Discovery, _) => Some(issuer),
            Source::Remote(Location::Jwks(url), _) => Some(url),
        }
    }

    /// Parses static keys, or prepares to fetch remote ones. The error says why no key is usable,
    /// without any key material.
    pub(crate) fn load(
        &self,
        issuer: &str,
        refresh: KeyRefresh,
        clock: Clock,
    ) -> Result<IssuerKeys, &'static str> {
        Ok(match &self.0 {
            Source::Hmac(secret) => IssuerKeys::Fixed(KeySet::pinned(VerifyingKey::hmac(secret))),
            Source::Jwks(json) => {
                IssuerKeys::Fixed(jwk::parse_set(json.as_bytes(), refresh.max_keys)?)
            }
            Source::Pem(text) => IssuerKeys::Fixed(KeySet::pinned(pem::parse(text)?)),
            Source::Remote(location, fetcher) => IssuerKeys::Remote(RemoteKeys::new(
                issuer,
                location.clone(),
                Arc::clone(fetcher),
                refresh,
                clock,
            )),
        })
    }
}

impl fmt::Debug for KeySource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self.0 {
            Source::Hmac(_) => "KeySource::hmac_secret(..)",
            Source::Jwks(_) => "KeySource::jwks(..)",
            Source::Pem(_) => "KeySource::pem(..)",
            Source::Remote(Location::Discovery, _) => "KeySource::discovery(..)",
            Source::Remote(Location::Jwks(_), _) => "KeySource::jwks_url(..)",
        })
    }
}
