//! Keys that sign tokens.

use std::fmt;

use aws_lc_rs::{
    encoding::{AsDer, PublicKeyX509Der},
    hmac,
    rand::SystemRandom,
    rsa::KeySize,
    signature::{
        self, ECDSA_P256_SHA256_FIXED_SIGNING, ECDSA_P384_SHA384_FIXED_SIGNING,
        ECDSA_P521_SHA512_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, KeyPair, RsaEncoding,
        RsaKeyPair,
    },
};
use base64::{
    Engine,
    engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD},
};
use serde_json::{Value, json};

use crate::verifier::algorithm::Algorithm;

/// A key pair or a shared secret, and the algorithm that it signs with.
pub struct SigningKey {
    kid: String,
    algorithm: Algorithm,
    pair: Pair,
}

enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Ed25519(Box<Ed25519KeyPair>),
    Hmac(Box<hmac::Key>),
    Rsa(Box<RsaKeyPair>),
}

impl SigningKey {
    /// Generates a key for this algorithm. The key of an HMAC algorithm is the secret `[7; 64]`.
    ///
    /// # Panics
    ///
    /// Panics if the system has no randomness.
    #[must_use]
    pub fn generate(kid: impl Into<String>, algorithm: Algorithm) -> Self {
        let pair = match algorithm {
            Algorithm::EdDsa => {
                Pair::Ed25519(Box::new(Ed25519KeyPair::generate().expect("randomness")))
            }
            Algorithm::Es256 => Pair::Ec(Box::new(
                EcdsaKeyPair::generate(&ECDSA_P256_SHA256_FIXED_SIGNING).expect("randomness"),
            )),
            Algorithm::Es384 => Pair::Ec(Box::new(
                EcdsaKeyPair::generate(&ECDSA_P384_SHA384_FIXED_SIGNING).expect("randomness"),
            )),
            Algorithm::Es512 => Pair::Ec(Box::new(
                EcdsaKeyPair::generate(&ECDSA_P521_SHA512_FIXED_SIGNING).expect("randomness"),
            )),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                return Self::hmac(kid, algorithm, &[7; 64]);
            }
            Algorithm::Ps256
            | Algorithm::Ps384
            | Algorithm::Ps512
            | Algorithm::Rs256
            | Algorithm::Rs384
            | Algorithm::Rs512 => Pair::Rsa(Box::new(
                RsaKeyPair::generate(KeySize::Rsa2048).expect("randomness"),
            )),
        };
        Self {
            kid: kid.into(),
            algorithm,
            pair,
        }
    }

    /// Creates a key from a shared secret. Any algorithm except `HS384` and `HS512` is replaced by
    /// `HS256`.
    #[must_use]
    pub fn hmac(kid: impl Into<String>, algorithm: Algorithm, secret: &[u8]) -> Self {
        let (algorithm, digest) = match algorithm {
            Algorithm::Hs384 => (Algorithm::Hs384, hmac::HMAC_SHA384),
            Algorithm::Hs512 => (Algorithm::Hs512, hmac::HMAC_SHA512),
            _ => (Algorithm::Hs256, hmac::HMAC_SHA256),
        };
        Self {
            kid: kid.into(),
            algorithm,
            pair: Pair::Hmac(Box::new(hmac::Key::new(digest, secret))),
        }
    }

    /// Sets another algorithm for the same key.
    #[must_use]
    pub fn with_algorithm(mut self, algorithm: Algorithm) -> Self {
        self.algorithm = algorithm;
        self
    }

    /// Returns the key ID (`kid`).
    #[must_use]
    pub fn kid(&self) -> &str {
        &self.kid
    }

    /// Returns the algorithm.
    #[must_use]
    pub fn algorithm(&self) -> Algorithm {
        self.algorithm
    }

    /// Returns the public key as a JWK with `kid`, `use` and `alg`, or `null` for a shared secret.
    ///
    /// # Panics
    ///
    /// Never in practice, because a generated key has these parts.
    #[must_use]
    pub fn jwk(&self) -> Value {
        let encode = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let mut jwk = match &self.pair {
            Pair::Ec(pair) => {
                let point = &pair.public_key().as_ref()[1..];
                let (x, y) = point.split_at(point.len() / 2);
                let curve = match x.len() {
                    32 => "P-256",
                    48 => "P-384",
                    _ => "P-521",
                };
                json!({"kty": "EC", "crv": curve, "x": encode(x), "y": encode(y)})
            }
            Pair::Ed25519(pair) => {
                json!({"kty": "OKP", "crv": "Ed25519", "x": encode(pair.public_key().as_ref())})
            }
            Pair::Hmac(_) => return Value::Null,
            Pair::Rsa(pair) => {
                let public = pair.public_key();
                json!({
                    "kty": "RSA",
                    "n": encode(public.modulus().big_endian_without_leading_zero()),
                    "e": encode(public.exponent().big_endian_without_leading_zero()),
                })
            }
        };
        jwk["kid"] = json!(self.kid);
        jwk["use"] = json!("sig");
        jwk["alg"] = json!(self.algorithm.as_str());
        jwk
    }

    /// Returns the public key in PEM (`PUBLIC KEY`), or `None` for a shared secret.
    ///
    /// # Panics
    ///
    /// Never in practice, because a generated key has this encoding.
    #[must_use]
    pub fn public_pem(&self) -> Option<String> {
        let der: PublicKeyX509Der<'_> = match &self.pair {
            Pair::Ec(pair) => pair.public_key().as_der().expect("a generated key"),
            Pair::Ed25519(pair) => pair.public_key().as_der().expect("a generated key"),
            Pair::Hmac(_) => return None,
            Pair::Rsa(pair) => pair.public_key().as_der().expect("a generated key"),
        };
        let text = STANDARD.encode(der.as_ref());
        let lines: Vec<_> = text
            .as_bytes()
            .chunks(64)
            .map(String::from_utf8_lossy)
            .collect();
        Some(format!(
            "-----BEGIN PUBLIC KEY-----\n{}\n-----END PUBLIC KEY-----\n",
            lines.join("\n")
        ))
    }

    /// Signs a message.
    ///
    /// # Panics
    ///
    /// Panics if the key has another type than the algorithm.
    #[must_use]
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        match &self.pair {
            Pair::Ec(pair) => pair
                .sign(&SystemRandom::new(), message)
                .expect("randomness")
                .as_ref()
                .to_vec(),
            Pair::Ed25519(pair) => pair.sign(message).as_ref().to_vec(),
            Pair::Hmac(key) => hmac::sign(key, message).as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let encoding: &dyn RsaEncoding = match self.algorithm {
                    Algorithm::Ps256 => &signature::RSA_PSS_SHA256,
                    Algorithm::Ps384 => &signature::RSA_PSS_SHA384,
                    Algorithm::Ps512 => &signature::RSA_PSS_SHA512,
                    Algorithm::Rs256 => &signature::RSA_PKCS1_SHA256,
                    Algorithm::Rs384 => &signature::RSA_PKCS1_SHA384,
                    Algorithm::Rs512 => &signature::RSA_PKCS1_SHA512,
                    other => panic!("an RSA key cannot sign with {}", other.as_str()),
                };
                let mut signature = vec![0; pair.public_modulus_len()];
                pair.sign(encoding, &SystemRandom::new(), message, &mut signature)
                    .expect("the buffer has the modulus's length");
                signature
            }
        }
    }
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SigningKey")
            .field("kid", &self.kid)
            .field("algorithm", &self.algorithm)
            .finish_non_exhaustive()
    }
}
