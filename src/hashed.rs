//! Caches keyed by values that are already hashes: seeded hashes, or digests under a secret.

use std::hash::{BuildHasherDefault, Hash, Hasher};

use quick_cache::{
    UnitWeighter,
    sync::{self, DefaultLifecycle},
};

/// A cache bounded by its number of entries.
pub(crate) type Cache<K, V> = sync::Cache<K, V, UnitWeighter, BuildHashed>;

/// Creates a cache of at most `capacity` entries.
pub(crate) fn cache<K: Eq + Hash, V: Clone>(capacity: usize) -> Cache<K, V> {
    Cache::with(
        capacity,
        capacity as u64,
        UnitWeighter,
        BuildHashed::default(),
        DefaultLifecycle::default(),
    )
}

/// Builds [`Hashed`].
pub(crate) type BuildHashed = BuildHasherDefault<Hashed>;

/// Hasher that returns the `u64` written to it.
#[derive(Default)]
pub(crate) struct Hashed(u64);

impl Hasher for Hashed {
    fn finish(&self) -> u64 {
        self.0
    }

    /// Unused, because every key is hashed as one `u64`. Kept correct for other keys.
    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(*byte);
        }
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}
