//! A hasher for maps whose keys are hashes already: seeded ones, or digests under a secret.

use std::hash::{BuildHasherDefault, Hasher};

/// Makes [`Hashed`].
pub(crate) type BuildHashed = BuildHasherDefault<Hashed>;

/// Passes the one `u64` on that it is given.
#[derive(Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    /// No key calls it; one that did would still find itself.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
