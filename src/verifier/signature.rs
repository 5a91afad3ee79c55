//! Verifies signatures with the backend this crate's features chose.
//!
//! jsonwebtoken has a process-wide default backend, which panics when two backends are compiled in
//! or none. Any other crate of the application can cause that, so the default is never asked: the
//! backend's table of functions is called directly.

use jsonwebtoken::{Algorithm as Alg, DecodingKey, crypto::CryptoProvider};

use super::{algorithm::Algorithm, roca};

/// The backend, or `None` when the features chose none.
pub(crate) fn backend() -> Option<&'static CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(&jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER);
    #[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
    return Some(&jsonwebtoken::crypto::rust_crypto::DEFAULT_PROVIDER);
    #[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
    None
}

/// Why [`VerifyingKey::rsa`] has no key.
pub(crate) const WEAK_RSA: &str = "a weak RSA key: outside 2048 to 8192 bits, with an exponent \
                                   under 65537, or made by RSALib (CVE-2017-15361)";

/// Key material of one type, with the algorithms that type can verify.
#[derive(Clone)]
pub(crate) struct VerifyingKey {
    key: DecodingKey,
    fits: &'static [Algorithm],
    /// Bytes of an RSA modulus: what an RSA signature must be long.
    modulus_length: usize,
    /// Compared to tell one key published twice from two keys under one name.
    fingerprint: Box<[u8]>,
}

/// The curves with an algorithm in [`Algorithm`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Curve {
    P256,
    P384,
}

impl VerifyingKey {
    /// `None` for a modulus under 2048 or over 8192 bits or one that RSALib made, or an exponent
    /// that is even or under 65537.
    ///
    /// aws-lc-rs enforces the size, the RustCrypto backend nothing; the rule is one for both.
    pub(crate) fn rsa(modulus: &[u8], exponent: &[u8]) -> Option<Self> {
        let modulus = trim_zeros(modulus);
        let exponent = trim_zeros(exponent);
        let bits = modulus.len() * 8 - usize::try_from(modulus.first()?.leading_zeros()).ok()?;
        let is_strong = (2048..=8192).contains(&bits)
            && exponent.len() <= 8
            && exponent
                .iter()
                .fold(0_u64, |value, byte| value << 8 | u64::from(*byte))
                >= 65_537
            && exponent.last()? % 2 == 1
            && modulus.last()? % 2 == 1
            && !roca::is_fingerprinted(modulus);
        is_strong.then(|| Self {
            key: DecodingKey::from_rsa_raw_components(modulus, exponent),
            fits: Algorithm::RSA,
            modulus_length: modulus.len(),
            fingerprint: [modulus, exponent].concat().into(),
        })
    }

    /// `None` unless the coordinates have the curve's exact length (RFC 7518 section 6.2.1.2).
    pub(crate) fn ec(curve: Curve, x: &[u8], y: &[u8]) -> Option<Self> {
        let (length, fits): (_, &[Algorithm]) = match curve {
            Curve::P256 => (32, &[Algorithm::Es256]),
            Curve::P384 => (48, &[Algorithm::Es384]),
        };
        (x.len() == length && y.len() == length).then(|| {
            let point = [&[4], x, y].concat();
            Self {
                key: DecodingKey::from_ec_der(&point),
                fits,
                modulus_length: 0,
                fingerprint: point.into(),
            }
        })
    }

    /// `None` unless the key is 32 bytes long.
    pub(crate) fn ed25519(x: &[u8]) -> Option<Self> {
        (x.len() == 32).then(|| Self {
            key: DecodingKey::from_ed_der(x),
            fits: &[Algorithm::EdDsa],
            modulus_length: 0,
            fingerprint: x.into(),
        })
    }

    pub(crate) fn hmac(secret: &[u8]) -> Self {
        Self {
            key: DecodingKey::from_secret(secret),
            fits: Algorithm::HMAC,
            modulus_length: 0,
            fingerprint: Box::default(),
        }
    }

    pub(crate) fn fits(&self) -> &'static [Algorithm] {
        self.fits
    }

    /// Returns the material, and the bytes of an RSA modulus at its start.
    #[cfg(fuzzing)]
    pub(crate) fn parts(&self) -> (&[u8], usize) {
        (&self.fingerprint, self.modulus_length)
    }

    pub(crate) fn is_same_key(&self, other: &Self) -> bool {
        self.fits == other.fits && self.fingerprint == other.fingerprint
    }

    /// Whether `signature` is this key's over `message`. The caller has checked that `algorithm`
    /// fits the key.
    ///
    /// The length is checked first: a signature of any other is no signature, and native code has
    /// been overrun by long ones.
    pub(crate) fn verifies(&self, algorithm: Algorithm, message: &[u8], signature: &[u8]) -> bool {
        let (alg, length) = match algorithm {
            Algorithm::EdDsa => (Alg::EdDSA, 64),
            Algorithm::Es256 => (Alg::ES256, 64),
            Algorithm::Es384 => (Alg::ES384, 96),
            Algorithm::Hs256 => (Alg::HS256, 32),
            Algorithm::Hs384 => (Alg::HS384, 48),
            Algorithm::Hs512 => (Alg::HS512, 64),
            Algorithm::Ps256 => (Alg::PS256, self.modulus_length),
            Algorithm::Ps384 => (Alg::PS384, self.modulus_length),
            Algorithm::Ps512 => (Alg::PS512, self.modulus_length),
            Algorithm::Rs256 => (Alg::RS256, self.modulus_length),
            Algorithm::Rs384 => (Alg::RS384, self.modulus_length),
            Algorithm::Rs512 => (Alg::RS512, self.modulus_length),
        };
        signature.len() == length
            && backend()
                .and_then(|backend| (backend.verifier_factory)(&alg, &self.key).ok())
                .is_some_and(|verifier| verifier.verify(message, &signature.to_vec()).is_ok())
    }
}

fn trim_zeros(bytes: &[u8]) -> &[u8] {
    let start = bytes
        .iter()
        .position(|byte| *byte != 0)
        .unwrap_or(bytes.len());
    &bytes[start..]
}
