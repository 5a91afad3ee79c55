//! Signatures by the RustCrypto crates, as jsonwebtoken puts them together.
//!
//! jsonwebtoken has a process-wide default backend, which panics when two backends are compiled in
//! or none. Any other crate of the application can cause that, so the default is never asked: the
//! backend's table of functions is called directly. Its verifiers cannot be shared between threads,
//! so each signature has one made; what they are made of is kept.

use jsonwebtoken::{Algorithm as Alg, DecodingKey, crypto::rust_crypto::DEFAULT_PROVIDER};

use super::Material;
use crate::verifier::algorithm::Algorithm;

/// A key for one algorithm.
pub(super) struct Verifier {
    algorithm: Alg,
    key: DecodingKey,
}

impl Verifier {
    /// `None` if the material is no key of the algorithm's.
    pub(super) fn new(algorithm: Algorithm, material: &Material) -> Option<Self> {
        let algorithm = match algorithm {
            Algorithm::EdDsa => Alg::EdDSA,
            Algorithm::Es256 => Alg::ES256,
            Algorithm::Es384 => Alg::ES384,
            Algorithm::Hs256 => Alg::HS256,
            Algorithm::Hs384 => Alg::HS384,
            Algorithm::Hs512 => Alg::HS512,
            Algorithm::Ps256 => Alg::PS256,
            Algorithm::Ps384 => Alg::PS384,
            Algorithm::Ps512 => Alg::PS512,
            Algorithm::Rs256 => Alg::RS256,
            Algorithm::Rs384 => Alg::RS384,
            Algorithm::Rs512 => Alg::RS512,
        };
        let key = match material {
            Material::Ec(point) => DecodingKey::from_ec_der(point),
            Material::Ed25519(key) => DecodingKey::from_ed_der(key),
            Material::Rsa { modulus, exponent } => {
                DecodingKey::from_rsa_raw_components(modulus, exponent)
            }
            Material::Secret(secret) => DecodingKey::from_secret(secret),
        };
        let is_one = (DEFAULT_PROVIDER.verifier_factory)(&algorithm, &key).is_ok();
        is_one.then_some(Self { algorithm, key })
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &[u8]) -> bool {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key)
            .is_ok_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}
