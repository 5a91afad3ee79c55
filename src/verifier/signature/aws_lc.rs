//! Signatures by aws-lc-rs: keys that are parsed once, behind jsonwebtoken's trait.

use aws_lc_rs::{
    hmac,
    signature::{
        ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ECDSA_P521_SHA512_FIXED, ED25519,
        ParsedPublicKey, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
        RSA_PKCS1_2048_8192_SHA512, RSA_PSS_2048_8192_SHA256, RSA_PSS_2048_8192_SHA384,
        RSA_PSS_2048_8192_SHA512, RsaParameters, RsaPublicKeyComponents,
    },
};
use jsonwebtoken::{
    Algorithm,
    crypto::JwtVerifier,
    signature::{Error, Verifier},
};

use super::material::Material;

/// `None` if the material is not a key of the algorithm.
pub(super) fn jwt_verifier(
    algorithm: Algorithm,
    material: &Material,
) -> Option<Box<dyn JwtVerifier + Send + Sync>> {
    let key = match (algorithm, material) {
        (Algorithm::EdDSA, Material::Ed25519(key)) => ParsedPublicKey::new(&ED25519, key),
        (Algorithm::ES256, Material::Ec(point)) => {
            ParsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point)
        }
        (Algorithm::ES384, Material::Ec(point)) => {
            ParsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point)
        }
        (_, Material::Rsa { modulus, exponent }) => {
            let components = RsaPublicKeyComponents {
                n: modulus,
                e: exponent,
            };
            components.to_parsed_public_key(rsa(algorithm)?)
        }
        (_, Material::Secret(secret)) => {
            let key = SecretKey(hmac::Key::new(hmac(algorithm)?, secret));
            return Some(Box::new(Named { algorithm, key }));
        }
        (_, Material::Ec(_) | Material::Ed25519(_)) => return None,
    };
    let key = PublicKey(key.ok()?);
    Some(Box::new(Named { algorithm, key }))
}

/// `None` if the material is not a point of P-521.
pub(super) fn es512_verifier(
    material: &Material,
) -> Option<Box<dyn Verifier<Vec<u8>> + Send + Sync>> {
    let Material::Ec(point) = material else {
        return None;
    };
    let key = ParsedPublicKey::new(&ECDSA_P521_SHA512_FIXED, point).ok()?;
    Some(Box::new(PublicKey(key)))
}

struct PublicKey(ParsedPublicKey);

impl Verifier<Vec<u8>> for PublicKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.0
            .verify_sig(message, signature)
            .map_err(|_| Error::new())
    }
}

struct SecretKey(hmac::Key);

impl Verifier<Vec<u8>> for SecretKey {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        hmac::verify(&self.0, message, signature).map_err(|_| Error::new())
    }
}

/// A key with the name that jsonwebtoken has for its algorithm.
struct Named<K> {
    algorithm: Algorithm,
    key: K,
}

impl<K: Verifier<Vec<u8>>> Verifier<Vec<u8>> for Named<K> {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), Error> {
        self.key.verify(message, signature)
    }
}

impl<K: Verifier<Vec<u8>>> JwtVerifier for Named<K> {
    fn algorithm(&self) -> Algorithm {
        self.algorithm
    }
}

fn rsa(algorithm: Algorithm) -> Option<&'static RsaParameters> {
    Some(match algorithm {
        Algorithm::PS256 => &RSA_PSS_2048_8192_SHA256,
        Algorithm::PS384 => &RSA_PSS_2048_8192_SHA384,
        Algorithm::PS512 => &RSA_PSS_2048_8192_SHA512,
        Algorithm::RS256 => &RSA_PKCS1_2048_8192_SHA256,
        Algorithm::RS384 => &RSA_PKCS1_2048_8192_SHA384,
        Algorithm::RS512 => &RSA_PKCS1_2048_8192_SHA512,
        _ => return None,
    })
}

fn hmac(algorithm: Algorithm) -> Option<hmac::Algorithm> {
    Some(match algorithm {
        Algorithm::HS256 => hmac::HMAC_SHA256,
        Algorithm::HS384 => hmac::HMAC_SHA384,
        Algorithm::HS512 => hmac::HMAC_SHA512,
        _ => return None,
    })
}
