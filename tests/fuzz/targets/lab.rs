//! An issuer with a shared secret, which signs the fuzzer's bytes with valid signatures.

use std::{
    pin::pin,
    sync::LazyLock,
    task::{Context, Poll, Waker},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use hmac::{Hmac, KeyInit, Mac};
use sha2::Sha256;
use tower_jit_provisioning::{Error, Identity, JwtVerifier, KeySource, TrustedIssuer};

pub const ISSUER: &str = "https://id.example.com";
pub const AUDIENCE: &str = "orders-api";
pub const SECRET: [u8; 32] = [7; 32];

static VERIFIER: LazyLock<JwtVerifier> =
    LazyLock::new(|| REMEMBERING.clone().with_cache_capacity(0));

/// The same verifier with its cache.
pub static REMEMBERING: LazyLock<JwtVerifier> = LazyLock::new(|| {
    let issuer = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(SECRET));
    JwtVerifier::new([issuer]).unwrap()
});

/// Verification never waits when its key is available.
pub fn verify_with(verifier: &JwtVerifier, token: &str) -> Result<Identity, Error> {
    match pin!(verifier.verify(token)).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(result) => result,
        Poll::Pending => panic!("verification did not complete at once"),
    }
}

pub fn verify(token: &str) -> Result<Identity, Error> {
    verify_with(&VERIFIER, token)
}

pub fn message(header: &[u8], claims: &[u8]) -> String {
    format!(
        "{}.{}",
        URL_SAFE_NO_PAD.encode(header),
        URL_SAFE_NO_PAD.encode(claims)
    )
}

pub fn signed(header: &[u8], claims: &[u8]) -> String {
    let message = message(header, claims);
    let mut mac = Hmac::<Sha256>::new_from_slice(&SECRET).unwrap();
    mac.update(message.as_bytes());
    let signature = URL_SAFE_NO_PAD.encode(mac.finalize().into_bytes());
    format!("{message}.{signature}")
}
