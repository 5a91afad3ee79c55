//! Verification of a token's signature, and nothing else.

use aws_lc_rs::signature::{self, ParsedPublicKey, VerificationAlgorithm};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use tower_jit_provisioning::{Algorithm, testing::TestIssuer};

/// A parsed key, an extracted message and a decoded signature.
pub(crate) struct Raw {
    key: ParsedPublicKey,
    message: Vec<u8>,
    signature: Vec<u8>,
}

impl Raw {
    pub(crate) fn new(issuer: &TestIssuer, algorithm: Algorithm, token: &str) -> Self {
        let verification: &'static dyn VerificationAlgorithm = match algorithm {
            Algorithm::EdDsa => &signature::ED25519,
            Algorithm::Es256 => &signature::ECDSA_P256_SHA256_FIXED,
            Algorithm::Es384 => &signature::ECDSA_P384_SHA384_FIXED,
            Algorithm::Ps256 => &signature::RSA_PSS_2048_8192_SHA256,
            Algorithm::Rs256 => &signature::RSA_PKCS1_2048_8192_SHA256,
            other => panic!("{} is not measured", other.as_str()),
        };
        let pem = issuer.key().public_pem().expect("a public key");
        let der: String = pem.lines().filter(|line| !line.contains('-')).collect();
        let der = STANDARD.decode(der).expect("base64");
        let (message, signature) = token.rsplit_once('.').expect("a token");
        Self {
            key: ParsedPublicKey::new(verification, der).expect("a key"),
            message: message.as_bytes().to_vec(),
            signature: URL_SAFE_NO_PAD.decode(signature).expect("base64url"),
        }
    }

    pub(crate) fn verify(&self) -> bool {
        self.key.verify_sig(&self.message, &self.signature).is_ok()
    }
}
