//! People by number, and an issuer that signs quickly.

use std::sync::Arc;

use tower_jit_provisioning::{
    Algorithm, JwtVerifier, KeySource, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
};

use crate::app::AUDIENCE;

const ISSUER: &str = "https://id.example.com";

const SECRET: [u8; 32] = [7; 32];

/// Returns an issuer with a shared secret, and a verifier that trusts it.
pub(crate) fn issuer() -> (TestIssuer, JwtVerifier) {
    let key = SigningKey::hmac("key-1", Algorithm::Hs256, &SECRET);
    let issuer = TestIssuer::with_key(ISSUER, Arc::new(key));
    let trusted = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(SECRET));
    let trusted = trusted.with_algorithms([Algorithm::Hs256]);
    (issuer, JwtVerifier::new([trusted]).expect("a verifier"))
}

pub(crate) fn subject(person: usize) -> String {
    format!("person-{person}")
}

pub(crate) fn mint(issuer: &TestIssuer, person: usize) -> String {
    let token = issuer.token(&subject(person)).audience(AUDIENCE);
    token.claim("name", subject(person)).sign()
}
