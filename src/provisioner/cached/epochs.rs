//! Epochs, which invalidate entries and loads in progress alike.
//!
//! A load reads the epoch of its key before it reads the store, and its result is valid only in
//! that epoch. An invalidation is one increment: entries of the old epoch are no longer hits, the
//! results of loads in progress are stale, and no request joins these loads.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::principal::IdentityKey;

/// Keys share stripes. An invalidation also invalidates a few other users, which are read again.
const STRIPES: usize = if cfg!(loom) { 4 } else { 4096 };

/// The epochs of all keys. Clones share them.
#[derive(Clone)]
pub(super) struct Epochs(Arc<[AtomicU64]>);

impl Epochs {
    pub(super) fn new() -> Self {
        Self((0..STRIPES).map(|_| AtomicU64::new(0)).collect())
    }

    #[inline]
    pub(super) fn current(&self, key: IdentityKey) -> u64 {
        self.stripe(key).load(Ordering::Acquire)
    }

    /// Starts a new epoch for the key, and returns the old one.
    pub(super) fn invalidate(&self, key: IdentityKey) -> u64 {
        self.stripe(key).fetch_add(1, Ordering::AcqRel)
    }

    pub(super) fn invalidate_all(&self) {
        for stripe in &*self.0 {
            stripe.fetch_add(1, Ordering::AcqRel);
        }
    }

    #[inline]
    fn stripe(&self, key: IdentityKey) -> &AtomicU64 {
        let [high, low, ..] = *key.as_bytes();
        &self.0[usize::from(u16::from_be_bytes([high, low])) % STRIPES]
    }
}
