//! The checks without the cache: for explanations.

use super::{JwtVerifier, token};
use crate::{error::Error, identity::Identity};

impl JwtVerifier {
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
