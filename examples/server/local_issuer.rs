//! This server as an issuer: short-lived tokens for its password users, verified like any other.

use std::time::{Duration, SystemTime};

use aws_lc_rs::rand;
use jsonwebtoken::{EncodingKey, Header, crypto::aws_lc};
use serde::Serialize;
use tower_jit_provisioning::{IssuerPolicy, KeySource, SignUp, TrustedIssuer};
use uuid::Uuid;

/// The `iss` of local tokens. Their subjects are users' ids.
pub const ISSUER: &str = "urn:tower-jit-provisioning:server";

const AUDIENCE: &str = "tower-jit-provisioning-server";
const LIFETIME: Duration = Duration::from_secs(15 * 60);

pub struct LocalIssuer {
    secret: Vec<u8>,
}

#[derive(Serialize)]
struct Claims<'a> {
    iss: &'a str,
    aud: &'a str,
    sub: String,
    iat: u64,
    exp: u64,
}

impl LocalIssuer {
    /// Signs with the configured secret, or with a random one that is gone with the process.
    pub fn new(secret: Option<&str>) -> Self {
        let secret = secret.map_or_else(
            || {
                let mut random = vec![0; 32];
                rand::fill(&mut random).expect("the system has randomness");
                random
            },
            |secret| secret.as_bytes().to_vec(),
        );
        // An application names its backend for signing; the library never asks for a default.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { secret }
    }

    /// The issuer as the verifier trusts it. Nobody signs up by a local token: the identity is
    /// registered when the password is set.
    pub fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(&self.secret))
            .with_policy(IssuerPolicy::new().with_sign_up(SignUp::Closed))
    }

    /// Returns a token and its lifetime in seconds.
    pub fn token(&self, user_id: Uuid) -> Result<(String, u64), jsonwebtoken::errors::Error> {
        let now = SystemTime::now()
            .duration_since(SystemTime::UNIX_EPOCH)
            .map_or(0, |since| since.as_secs());
        let claims = Claims {
            iss: ISSUER,
            aud: AUDIENCE,
            sub: user_id.to_string(),
            iat: now,
            exp: now + LIFETIME.as_secs(),
        };
        let key = EncodingKey::from_secret(&self.secret);
        Ok((
            jsonwebtoken::encode(&Header::default(), &claims, &key)?,
            LIFETIME.as_secs(),
        ))
    }
}
