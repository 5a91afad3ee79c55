//! No backend: nothing is verified, and [`JwtVerifier::new`](crate::JwtVerifier::new) says so.

use jsonwebtoken::{Algorithm, crypto::JwtVerifier, signature::Verifier};

use super::material::Material;

pub(super) fn jwt_verifier(
    _: Algorithm,
    _: &Material,
) -> Option<Box<dyn JwtVerifier + Send + Sync>> {
    None
}

pub(super) fn es512_verifier(_: &Material) -> Option<Box<dyn Verifier<Vec<u8>> + Send + Sync>> {
    None
}

#[cfg(test)]
mod tests {
    use crate::{JwtVerifier, KeySource, TrustedIssuer};

    #[test]
    fn a_verifier_without_a_backend_is_not_built() {
        let keys = KeySource::hmac_secret(vec![7; 32]);
        let issuer = TrustedIssuer::new("https://id.example.com", "orders-api", keys);
        let error = JwtVerifier::new([issuer]).unwrap_err();
        let detail = "neither feature `aws-lc-rs` nor `rust-crypto` is enabled";
        assert!(error.to_string().contains(detail), "{error}");
    }
}
