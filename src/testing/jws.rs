//! Signature verification for test vectors with a payload that is not a claims set.

use crate::{error::Error, verifier::JwtVerifier};

/// Verifies the signature of a token with the keys of this issuer, and returns the payload.
///
/// The payload is not checked, and nothing is cached. Only [`JwtVerifier::verify`] returns an
/// identity.
///
/// # Errors
///
/// The same errors as [`JwtVerifier::verify`], up to the check of the signature.
pub async fn verify_jws(
    verifier: &JwtVerifier,
    issuer: &str,
    token: &str,
) -> Result<Vec<u8>, Error> {
    verifier.verify_jws(issuer, token).await
}
