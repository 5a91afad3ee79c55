//! Signatures by the RustCrypto crates: jsonwebtoken's provider, and p521 for ES512.

use jsonwebtoken::{
    Algorithm, DecodingKey,
    crypto::{JwtVerifier, rust_crypto::DEFAULT_PROVIDER},
    signature::{Error, Verifier},
};
use p521::ecdsa::{Signature, VerifyingKey};

use super::material::Material;

/// `None` if the material is not a key of the algorithm.
pub(super) fn jwt_verifier(
    algorithm: Algorithm,
    material: &Material,
) -> Option<Box<dyn JwtVerifier + Send + Sync>> {
    let key = match material {
        Material::Ec(point) => DecodingKey::from_ec_der(point),
        Material::Ed25519(key) => DecodingKey::from_ed_der(key),
        Material::Rsa { modulus, exponent } => {
            DecodingKey::from_rsa_raw_components(modulus, exponent)
        }
        Material::Secret(secret) => DecodingKey::from_secret(secret).ok()?,
    };
    let verifier = Provided { algorithm, key };
    verifier.provide().ok()?;
    Some(Box::new(verifier))
}

/// `None` if the material is not a point of P-521.
pub(super) fn es512_verifier(
    material: &Material,
) -> Option<Box<dyn Verifier<Vec<u8>> + Send + Sync>> {
    let Material::Ec(point) = material else {
        return None;
    };
    let key = VerifyingKey::from_sec1_bytes(point).ok()?;
    Some(Box::new(P521Key(key)))
}

/// A key of jsonwebtoken's provider. The verifiers that the provider makes cannot be shared between
/// threads, so each signature has its own.
struct Provided {
    algorithm: Algorithm,
    key: DecodingKey,
}

impl Provided {
    fn provide(&self) -> Result<Box<dyn JwtVerifier>, Error> {
        (DEFAULT_PROVIDER.verifier_factory)(&self.algorithm, &self.key).map_err(|_| Error::new())
    }
}

impl Verifier<Vec<u8>> for Provided {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.provide()?.verify(message, signature)
    }
}

impl JwtVerifier for Provided {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

struct P521Key(VerifyingKey);

impl Verifier<Vec<u8>> for P521Key {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        let signature = Signature::from_slice(signature)?;
        self.0.verify(message, &signature)
    }
}
