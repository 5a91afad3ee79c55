//! A key, and the algorithms that fit it.

use std::sync::OnceLock;

use super::{material::Material, verifier::Verifier};
use crate::verifier::{algorithm::Algorithm, roca};

/// Why [`VerifyingKey::rsa`] has no key.
pub(crate) const WEAK_RSA: &str = "a weak RSA key: outside 2048 to 8192 bits, with an exponent \
                                   outside 65537 to 2^33 - 1, or made by RSALib (CVE-2017-15361)";

/// Key material of one type, with the algorithms that type can verify.
pub(crate) struct VerifyingKey {
    material: Material,
    fits: &'static [Algorithm],
    /// One for each of `fits`, made when it is first used; `None` if the backend refused the key.
    verifiers: Box<[OnceLock<Option<Verifier>>]>,
}

/// The curves with an algorithm in [`Algorithm`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Curve {
    P256,
    P384,
    P521,
}

impl VerifyingKey {
    fn new(material: Material, fits: &'static [Algorithm]) -> Self {
        Self {
            material,
            fits,
            verifiers: fits.iter().map(|_| OnceLock::new()).collect(),
        }
    }

    /// `None` for a modulus under 2048 or over 8192 bits or one that RSALib made, or an exponent
    /// that is even, under 65537 or over 33 bits.
    ///
    /// Both backends refuse larger values, one of them only at the signature. The RustCrypto
    /// backend takes moduli from 1024 bits on, and neither asks for 65537; the rule is one for both.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let modulus = trim_zeros(modulus);
        let exponent = trim_zeros(exponent);
        let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
        let is_strong = (2048..=8192).contains(&bits)
            && exponent.len() <= 5
            && (65_537..1 << 33).contains(&number(exponent))
            && exponent.last()? % 2 == 1
            && modulus.last()? % 2 == 1
            && !roca::is_fingerprinted(modulus);
        let material = || Material::Rsa {
            modulus: modulus.into(),
            exponent: exponent.into(),
        };
        is_strong.then(|| Self::new(material(), Algorithm::RSA))
    }

    /// `None` unless the coordinates have the curve's exact length (RFC 7518 section 6.2.1.2).
    pub(crate) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let (length, fits): (_, &[Algorithm]) = match curve {
            Curve::P256 => (32, &[Algorithm::Es256]),
            Curve::P384 => (48, &[Algorithm::Es384]),
            Curve::P521 => (66, &[Algorithm::Es512]),
        };
        let point = || Material::Ec([&[4], x, y].concat().into());
        (x.len() == length && y.len() == length).then(|| Self::new(point(), fits))
    }

    /// `None` unless the key is 32 bytes long.
    pub(crate) fn ed25519(x: &[u8]) -> Option<Self> {
        (x.len() == 32).then(|| Self::new(Material::Ed25519(x.into()), &[Algorithm::EdDsa]))
    }

    pub(crate) fn hmac(secret: &[u8]) -> Self {
        Self::new(Material::Secret(secret.into()), Algorithm::HMAC)
    }

    pub(crate) fn fits(&self) -> &'static [Algorithm] {
        self.fits
    }

    /// Returns the material, and the bytes of an RSA modulus at its start.
    #[cfg(fuzzing)]
    pub(crate) fn parts(&self) -> (Vec<u8>, usize) {
        match &self.material {
            Material::Ec(bytes) | Material::Ed25519(bytes) | Material::Secret(bytes) => {
                (bytes.to_vec(), 0)
            }
            Material::Rsa { modulus, exponent } => {
                ([&**modulus, &**exponent].concat(), modulus.len())
            }
        }
    }

    /// Tells one key published twice from two keys under one name.
    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.fits == other.fits && self.material == other.material
    }

    /// Whether `signature` is this key's signature over `message`. It never is under an algorithm
    /// that does not fit the key.
    ///
    /// The length is checked first: no signature has another, and overlong ones have overrun
    /// buffers of native code.
    pub(crate) fn verifies(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> bool {
        let length = match (&self.material, algorithm) {
            (Material::Rsa { modulus, .. }, _) => modulus.len(),
            (_, Algorithm::Hs256) => 32,
            (_, Algorithm::Es384) => 96,
            (_, Algorithm::Es512) => 132,
            (_, Algorithm::Hs384) => 48,
            (_, _) => 64,
        };
        signature.len() == length
            && self
                .verifier(algorithm)
                .is_some_and(|verifier| verifier.verifies(message, signature))
    }

    fn verifier(&self, algorithm: Algorithm) -> Option<&Verifier> {
        let index = self.fits.iter().position(|fit| *fit == algorithm)?;
        let make = || Verifier::new(algorithm, &self.material);
        self.verifiers[index].get_or_init(make).as_ref()
    }
}

fn number(bytes: &[u8]) -> u64 {
    bytes
        .iter()
        .fold(0, |value, byte| value << 8 | u64::from(*byte))
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    &bytes[start..]
}
