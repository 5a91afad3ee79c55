//! The proof behind an identity: what is checked again whenever a token is served from memory.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The times of a token, and the validity of the key that signed it.
pub(crate) struct Proof {
    pub(crate) validity: Validity,
    pub(crate) key: KeyValidity,
}

impl Proof {
    /// Returns whether the token and its key are both valid at `now`.
    #[inline]
    pub(crate) fn holds_at(&self, now: i64) -> bool {
        self.validity.covers(now) && self.key.covers(now)
    }
}

/// When a token is valid, leeway included: the one predicate of the warm and the cold path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Validity {
    /// The first millisecond.
    pub(crate) from: i64,
    /// The first millisecond after.
    pub(crate) until: i64,
}

impl Validity {
    #[inline]
    pub(crate) fn covers(self, now: i64) -> bool {
        self.from <= now && now < self.until
    }
}

/// Until when signatures of one key count, in milliseconds since the Unix epoch.
///
/// Shared by the key and by every identity that it proves: a key that is withdrawn takes all of its
/// cached tokens with it.
#[derive(Clone)]
pub(crate) struct KeyValidity(Arc<AtomicI64>);

impl KeyValidity {
    pub(crate) fn until(until: i64) -> Self {
        Self(Arc::new(AtomicI64::new(until)))
    }

    #[inline]
    pub(crate) fn covers(&self, now: i64) -> bool {
        now < self.get()
    }

    #[inline]
    pub(crate) fn get(&self) -> i64 {
        self.0.load(Ordering::Acquire)
    }

    pub(crate) fn set(&self, until: i64) {
        self.0.store(until, Ordering::Release);
    }
}
