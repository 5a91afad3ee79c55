//! The signature algorithms of RFC 7518 section 3 and RFC 8037 that this crate verifies.

/// A signature algorithm.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Algorithm {
    /// Ed25519 (RFC 8037).
    EdDsa,
    /// ECDSA on P-256 with SHA-256.
    Es256,
    /// ECDSA on P-384 with SHA-384.
    Es384,
    /// ECDSA on P-521 with SHA-512.
    Es512,
    /// HMAC with SHA-256. Needs [`KeySource::hmac_secret`](crate::KeySource::hmac_secret).
    Hs256,
    /// HMAC with SHA-384. Needs [`KeySource::hmac_secret`](crate::KeySource::hmac_secret).
    Hs384,
    /// HMAC with SHA-512. Needs [`KeySource::hmac_secret`](crate::KeySource::hmac_secret).
    Hs512,
    /// RSASSA-PSS with SHA-256.
    Ps256,
    /// RSASSA-PSS with SHA-384.
    Ps384,
    /// RSASSA-PSS with SHA-512.
    Ps512,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// RSASSA-PKCS1-v1_5 with SHA-512.
    Rs512,
}

impl Algorithm {
    /// Every algorithm with a public key: the default list of an issuer.
    pub(crate) const ASYMMETRIC: &'static [Self] = &[
        Self::EdDsa,
        Self::Es256,
        Self::Es384,
        Self::Es512,
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];
    pub(crate) const RSA: &'static [Self] = &[
        Self::Ps256,
        Self::Ps384,
        Self::Ps512,
        Self::Rs256,
        Self::Rs384,
        Self::Rs512,
    ];
    pub(crate) const HMAC: &'static [Self] = &[Self::Hs256, Self::Hs384, Self::Hs512];

    /// Returns the `alg` value.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::EdDsa => "EdDSA",
            Self::Es256 => "ES256",
            Self::Es384 => "ES384",
            Self::Es512 => "ES512",
            Self::Hs256 => "HS256",
            Self::Hs384 => "HS384",
            Self::Hs512 => "HS512",
            Self::Ps256 => "PS256",
            Self::Ps384 => "PS384",
            Self::Ps512 => "PS512",
            Self::Rs256 => "RS256",
            Self::Rs384 => "RS384",
            Self::Rs512 => "RS512",
        }
    }

    /// Finds the algorithm of an `alg` value: exact, case-sensitive (RFC 7515 section 4.1.1).
    /// `Ed25519` is the name RFC 9864 gives to the only curve of `EdDSA` there is here.
    pub(crate) fn parse(alg: &str) -> Option<Self> {
        Self::ASYMMETRIC
            .iter()
            .chain(Self::HMAC)
            .copied()
            .find(|algorithm| algorithm.as_str() == alg)
            .or_else(|| (alg == "Ed25519").then_some(Self::EdDsa))
    }

    pub(crate) fn is_hmac(self) -> bool {
        Self::HMAC.contains(&self)
    }

    /// RFC 7518 section 3.2: an HMAC secret is at least as long as the hash.
    pub(crate) fn hmac_secret_length(self) -> usize {
        match self {
            Self::Hs384 => 48,
            Self::Hs512 => 64,
            _ => 32,
        }
    }
}
