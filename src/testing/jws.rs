//! The signature check alone, for test vectors whose payload is no claims.

use crate::{error::Error, verifier::JwtVerifier};

/// Checks a token as [`JwtVerifier::verify`] does, for the issuer given and only as far as its
/// signature, and returns the payload, whatever it is.
///
/// Nothing is cached. A payload says nothing about whom it speaks for: only `verify` does.
///
/// # Errors
///
/// As [`JwtVerifier::verify`].
pub async fn verify_jws(
    verifier: &JwtVerifier,
    issuer: &str,
    token: &str,
) -> Result<Vec<u8>, Error> {
    verifier.verify_jws(issuer, token).await
}
