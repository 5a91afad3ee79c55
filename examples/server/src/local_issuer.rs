//! The local issuer: short-lived tokens for password users, verified like those of any other
//! issuer.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use aws_lc_rs::rand;
use jsonwebtoken::{EncodingKey, Header, crypto::aws_lc};
use serde::Serialize;
use serde_json::{Value, json};
use uuid::Uuid;

/// The `iss` of local tokens. Their `sub` is the user's id.
pub const ISSUER: &str = "urn:tower-jit-provisioning:server";

const AUDIENCE: &str = "tower-jit-provisioning-server";
const LIFETIME: Duration = Duration::from_secs(15 * 60);

#[derive(Clone)]
pub struct LocalIssuer {
    secret: Arc<str>,
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
    /// Signs with the configured secret, or with a random one that lasts until the process exits.
    pub fn new(secret: Option<&str>) -> Self {
        let secret = secret.map_or_else(random_secret, str::to_owned).into();
        // The application selects the signing backend. The library never relies on a process
        // default.
        let _ = aws_lc::DEFAULT_PROVIDER.install_default();
        Self { secret }
    }

    /// Returns the issuer's configuration. Sign-up is closed: the identity is registered when the
    /// password is set.
    pub fn table(&self) -> Value {
        json!({
            "issuer": ISSUER,
            "audience": AUDIENCE,
            "hmac_secret": &*self.secret,
            "sign_up": "closed",
        })
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
        let key = EncodingKey::from_secret(self.secret.as_bytes())?;
        Ok((
            jsonwebtoken::encode(&Header::default(), &claims, &key)?,
            LIFETIME.as_secs(),
        ))
    }
}

fn random_secret() -> String {
    let mut random = [0; 32];
    rand::fill(&mut random).expect("the system's random number generator failed");
    random.iter().map(|byte| format!("{byte:02x}")).collect()
}
