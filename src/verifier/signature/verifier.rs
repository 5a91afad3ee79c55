//! One key for one algorithm, behind jsonwebtoken's traits.

use jsonwebtoken::{Algorithm as JwtAlgorithm, signature};

use super::{backend, material::Material};
use crate::verifier::algorithm::Algorithm;

/// A key that the backend accepted for one algorithm.
pub(super) struct Verifier(Box<dyn signature::Verifier<Vec<u8>> + Send + Sync>);

impl Verifier {
    /// `None` if the backend does not take the material as a key for the algorithm.
    pub(super) fn new(algorithm: Algorithm, material: &Material) -> Option<Self> {
        let Some(algorithm) = jwt_algorithm(algorithm) else {
            return backend::es512_verifier(material).map(Self);
        };
        let verifier = backend::jwt_verifier(algorithm, material)?;
        // Refuse a verifier for another algorithm: nothing after this check compares them.
        (verifier.algorithm() == algorithm).then(|| Self(verifier))
    }

    pub(super) fn verifies(&self, message: &[u8], signature: &Vec<u8>) -> bool {
        self.0.verify(message, signature).is_ok()
    }
}

/// Returns jsonwebtoken's name of the algorithm; `None` for ES512, which it does not have.
fn jwt_algorithm(algorithm: Algorithm) -> Option<JwtAlgorithm> {
    Some(match algorithm {
        Algorithm::EdDsa => JwtAlgorithm::EdDSA,
        Algorithm::Es256 => JwtAlgorithm::ES256,
        Algorithm::Es384 => JwtAlgorithm::ES384,
        Algorithm::Es512 => return None,
        Algorithm::Hs256 => JwtAlgorithm::HS256,
        Algorithm::Hs384 => JwtAlgorithm::HS384,
        Algorithm::Hs512 => JwtAlgorithm::HS512,
        Algorithm::Ps256 => JwtAlgorithm::PS256,
        Algorithm::Ps384 => JwtAlgorithm::PS384,
        Algorithm::Ps512 => JwtAlgorithm::PS512,
        Algorithm::Rs256 => JwtAlgorithm::RS256,
        Algorithm::Rs384 => JwtAlgorithm::RS384,
        Algorithm::Rs512 => JwtAlgorithm::RS512,
    })
}
