//! No backend: nothing is verified, and [`JwtVerifier::new`](crate::JwtVerifier::new) says so.

use jsonwebtoken::{Algorithm, crypto::JwtVerifier, signature::Verifier};

use super::Material;

pub(super) fn jwt_verifier(
    _: Algorithm,
    _: &Material,
) -> Option<Box<dyn JwtVerifier + Send + Sync>> {
    None
}

pub(super) fn es512_verifier(_: &Material) -> Option<Box<dyn Verifier<Vec<u8>> + Send + Sync>> {
    None
}
