//! An issuer in the test's own process.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{ManualClock, SigningKey, TokenBuilder};
use crate::verifier::{Algorithm, Audience, KeySource, TrustedIssuer};

/// Signs any token, and publishes its keys the way a real issuer does.
#[derive(Clone, Debug)]
pub struct TestIssuer {
    issuer: String,
    key: Arc<SigningKey>,
    clock: Option<ManualClock>,
}

impl TestIssuer {
    /// An issuer with a fresh ES256 key.
    #[must_use]
    pub fn new(issuer: impl Into<String>) -> Self {
        Self::with_key(issuer, SigningKey::generate("key-1", Algorithm::Es256))
    }

    /// An issuer with this key.
    #[must_use]
    pub fn with_key(issuer: impl Into<String>, key: SigningKey) -> Self {
        Self {
            issuer: issuer.into(),
            key: Arc::new(key),
            clock: None,
        }
    }

    /// Dates tokens by a clock that only a test moves.
    #[must_use]
    pub fn with_clock(mut self, clock: ManualClock) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Returns the issuer's name, the `iss` of its tokens.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.issuer
    }

    /// Returns the key it signs with.
    #[must_use]
    pub fn key(&self) -> &Arc<SigningKey> {
        &self.key
    }

    /// Returns the published key set (RFC 7517).
    #[must_use]
    pub fn jwks(&self) -> Value {
        json!({"keys": [self.key.jwk()]})
    }

    /// Returns the discovery document (OpenID Connect Discovery 1.0 section 3), with endpoints
    /// under the issuer's own URL.
    #[must_use]
    pub fn discovery(&self) -> Value {
        let issuer = self.issuer.trim_end_matches('/');
        json!({
            "issuer": self.issuer,
            "jwks_uri": format!("{issuer}/jwks.json"),
            "token_endpoint": format!("{issuer}/token"),
            "response_types_supported": ["token"],
            "subject_types_supported": ["public"],
            "id_token_signing_alg_values_supported": [self.key.algorithm().as_str()],
        })
    }

    /// Trusts this issuer's published keys for an audience.
    pub fn trusted(&self, audience: impl Into<Audience>) -> TrustedIssuer {
        let keys = KeySource::jwks(self.jwks().to_string());
        TrustedIssuer::new(&self.issuer, audience, keys)
    }

    /// Starts a token for a subject. It has no audience yet.
    pub fn token(&self, subject: &str) -> TokenBuilder {
        let key = Arc::clone(&self.key);
        TokenBuilder::new(key, &self.issuer, subject, self.clock.as_ref())
    }
}
