//! The proof of an identity, which is checked again whenever the token is served from the cache.

use std::sync::{
    Arc,
    atomic::{AtomicI64, Ordering},
};

/// The validity of a token and of the key that verified it.
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

/// The time in which a token is valid, including leeway. The warm and the cold path use the same
/// check.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Validity {
    /// The first valid millisecond.
    pub(crate) from: i64,
    /// The first millisecond after that time.
    pub(crate) until: i64,
}

impl Validity {
    #[inline]
    pub(crate) fn covers(self, now: i64) -> bool {
        self.from <= now && now < self.until
    }
}

/// The time until which a key is valid, in milliseconds since the Unix epoch.
///
/// The key shares it with every identity that it verified. When a key is withdrawn, all of its
/// cached tokens become invalid.
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
