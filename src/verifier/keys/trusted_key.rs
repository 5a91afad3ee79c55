//! One key of a set, and until when it is valid.

use std::sync::Arc;

use crate::{
    identity::KeyValidity,
    verifier::{algorithm::Algorithm, signature::VerifyingKey},
};

/// One key of a set, and until when it is valid.
pub(crate) struct TrustedKey {
    pub(super) key: Arc<VerifyingKey>,
    /// The algorithms that the key's type and its own `alg` allow.
    pub(super) algorithms: Box<[Algorithm]>,
    /// In milliseconds since the Unix epoch; 0 once the key is withdrawn, which rejects every token
    /// verified with it, including cached ones.
    valid_until: KeyValidity,
}

impl TrustedKey {
    pub(super) fn new(key: VerifyingKey, own_algorithm: Option<Algorithm>) -> Option<Self> {
        let algorithms: Box<[Algorithm]> = key
            .fits()
            .iter()
            .copied()
            .filter(|fit| own_algorithm.is_none_or(|own| own == *fit))
            .collect();
        (!algorithms.is_empty()).then(|| Self {
            key: Arc::new(key),
            algorithms,
            valid_until: KeyValidity::until(i64::MAX),
        })
    }

    pub(crate) fn verifies(
        &self,
        algorithm: Algorithm,
        message: &[u8],
        signature: &Vec<u8>,
    ) -> bool {
        self.key.verifies(algorithm, message, signature)
    }

    /// Returns the algorithms, the material, and the bytes of an RSA modulus at its start.
    #[cfg(fuzzing)]
    pub(crate) fn parts(&self) -> (&[Algorithm], Vec<u8>, usize) {
        let (material, modulus_length) = self.key.parts();
        (&self.algorithms, material, modulus_length)
    }

    #[inline]
    pub(crate) fn is_valid_at(&self, now: i64) -> bool {
        self.valid_until.covers(now)
    }

    /// Returns the validity that the proofs of this key share.
    pub(crate) fn validity(&self) -> &KeyValidity {
        &self.valid_until
    }

    pub(super) fn set_valid_until(&self, until: i64) {
        self.valid_until.set(until);
    }

    pub(super) fn is_same_key(&self, other: &Self) -> bool {
        self.key.is_same_key(&other.key) && self.algorithms == other.algorithms
    }

    pub(super) fn copied(&self, until: i64) -> Self {
        Self {
            key: Arc::clone(&self.key),
            algorithms: self.algorithms.clone(),
            valid_until: KeyValidity::until(self.valid_until.get().min(until)),
        }
    }
}
