//! Epochs: how an invalidation reaches entries and loads alike.
//!
//! A load notes the epoch of its key before it reads, and what it brings home counts only in that
//! epoch. Invalidating is one increment: entries of the old epoch are no hits, loads under way come
//! home stale, and nobody joins them.

use std::sync::{
    Arc,
    atomic::{AtomicU64, Ordering},
};

use crate::principal::IdentityKey;

/// Keys share stripes; an invalidation reaches a few strangers, who are read again.
const STRIPES: usize = if cfg!(loom) { 4 } else { 4096 };

/// The epochs of all keys; clones share them.
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

    /// Returns the epoch that ended.
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
