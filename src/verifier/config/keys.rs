//! The keys of an issuer in a configuration.

use super::issuer_config::IssuerConfig;
use crate::verifier::{build_error::Faults, build_fault_kind::BuildFaultKind, keys::KeySource};

impl IssuerConfig {
    pub(super) fn keys(&self, name: &str, faults: &mut Faults) -> KeySource {
        let named = [&self.jwks_url, &self.jwks, &self.pem, &self.hmac_secret];
        if named.iter().filter(|source| source.is_some()).count() > 1 {
            let detail = "`jwks_url`, `jwks`, `pem` and `hmac_secret` exclude each other";
            faults.add(BuildFaultKind::Ambiguous, name, detail);
        }
        match (&self.hmac_secret, &self.pem, &self.jwks) {
            (Some(secret), _, _) => KeySource::hmac_secret(secret),
            (None, Some(pem), _) => KeySource::pem(pem),
            (None, None, Some(jwks)) => KeySource::jwks(jwks),
            (None, None, None) => remote(self.jwks_url.as_deref(), name, faults),
        }
    }
}

#[cfg(feature = "jwks")]
fn remote(url: Option<&str>, _: &str, _: &mut Faults) -> KeySource {
    match url {
        None => KeySource::discovery(crate::fetch::HttpFetcher::new()),
        Some(url) => KeySource::jwks_url(url, crate::fetch::HttpFetcher::new()),
    }
}

#[cfg(not(feature = "jwks"))]
fn remote(_: Option<&str>, name: &str, faults: &mut Faults) -> KeySource {
    let detail = "keys have to be fetched, and feature `jwks` is not enabled";
    faults.add(BuildFaultKind::NoHttpClient, name, detail);
    KeySource::jwks("")
}
