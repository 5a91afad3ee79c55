//! Valid and invalid tokens.

use std::{
    borrow::Borrow,
    sync::Arc,
    time::{Duration, SystemTime},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Map, Value, json};

use super::signing_key::SigningKey;
use crate::clock::{ManualClock, millis};

/// Builder of a token.
///
/// Created by [`TestIssuer::token`](super::TestIssuer::token) with `iss`, `sub`, `iat` and an `exp`
/// five minutes in the future.
#[must_use]
#[derive(Clone, Debug)]
pub struct TokenBuilder {
    key: Arc<SigningKey>,
    header: Map<String, Value>,
    claims: Map<String, Value>,
    now: i64,
}

impl TokenBuilder {
    pub(super) fn new(
        key: Arc<SigningKey>,
        issuer: &str,
        subject: &str,
        clock: Option<&ManualClock>,
    ) -> Self {
        let now = clock.map_or_else(|| millis(SystemTime::now()), ManualClock::now) / 1000;
        let mut header = Map::new();
        header.insert("typ".to_owned(), json!("JWT"));
        header.insert("alg".to_owned(), json!(key.algorithm().as_str()));
        header.insert("kid".to_owned(), json!(key.kid()));
        let claims = json!({"iss": issuer, "sub": subject, "iat": now, "exp": now + 300});
        Self {
            key,
            header,
            claims: claims.as_object().cloned().unwrap_or_default(),
            now,
        }
    }

    /// Sets a header parameter.
    pub fn header(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.header.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a header parameter.
    pub fn without_header(mut self, name: &str) -> Self {
        self.header.remove(name);
        self
    }

    /// Sets a claim.
    pub fn claim(mut self, name: &str, value: impl Into<Value>) -> Self {
        self.claims.insert(name.to_owned(), value.into());
        self
    }

    /// Removes a claim.
    pub fn without_claim(mut self, name: &str) -> Self {
        self.claims.remove(name);
        self
    }

    /// Sets `aud`.
    pub fn audience(self, audience: impl Into<Value>) -> Self {
        self.claim("aud", audience)
    }

    /// Sets `email` and `email_verified`.
    pub fn email(self, address: &str, is_verified: bool) -> Self {
        self.claim("email", address)
            .claim("email_verified", is_verified)
    }

    /// Sets `exp` to this time from now.
    pub fn expires_in(self, duration: Duration) -> Self {
        let at = self.now + i64::try_from(duration.as_secs()).unwrap_or(i64::MAX / 2);
        self.claim("exp", at)
    }

    /// Sets `exp` to this time ago.
    pub fn expired_for(self, duration: Duration) -> Self {
        let at = self.now - i64::try_from(duration.as_secs()).unwrap_or_default();
        self.claim("exp", at)
    }

    /// Sets another key to sign with. The header does not change.
    pub fn signed_by(mut self, key: impl Borrow<Arc<SigningKey>>) -> Self {
        self.key = Arc::clone(key.borrow());
        self
    }

    /// Signs the token, and returns it.
    #[must_use]
    pub fn sign(&self) -> String {
        let header = Value::Object(self.header.clone()).to_string();
        let claims = Value::Object(self.claims.clone()).to_string();
        self.sign_raw(header.as_bytes(), claims.as_bytes())
    }

    /// Signs a token with these bytes as header and claims, and returns it. The bytes need not be
    /// JSON.
    #[must_use]
    pub fn sign_raw(&self, header: &[u8], claims: &[u8]) -> String {
        let message = format!(
            "{}.{}",
            URL_SAFE_NO_PAD.encode(header),
            URL_SAFE_NO_PAD.encode(claims)
        );
        let signature = URL_SAFE_NO_PAD.encode(self.key.sign(message.as_bytes()));
        format!("{message}.{signature}")
    }

    /// Returns the JSON of header and claims, as input for [`sign_raw`](Self::sign_raw).
    #[must_use]
    pub fn parts(&self) -> (String, String) {
        (
            Value::Object(self.header.clone()).to_string(),
            Value::Object(self.claims.clone()).to_string(),
        )
    }

    /// Signs the token, and returns the value of an `Authorization` header.
    #[must_use]
    pub fn bearer(&self) -> String {
        format!("Bearer {}", self.sign())
    }
}
