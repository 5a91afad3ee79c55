//! Caches whose keys are hashes already: seeded ones, or digests under a secret.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use quick_cache::{
    UnitWeighter,
    sync::{self, DefaultLifecycle},
};

/// A cache that counts its entries.
pub(crate) type Cache<K, V> = sync::Cache<K, V, UnitWeighter, BuildHashed>;

/// Makes a cache of at most so many entries.
pub(crate) fn cache<K: Eq + Hash, V: Clone>(capacity: usize) -> Cache<K, V> {
    Cache::with(
        capacity,
        capacity as u64,
        UnitWeighter,
        BuildHashed::default(),
        DefaultLifecycle::default(),
    )
}

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
