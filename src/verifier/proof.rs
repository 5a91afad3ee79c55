//! Why a token is good, and for how long: what is checked again whenever it is served from memory.

use std::sync::Arc;

use super::{clock::Validity, keys::TrustedKey};

/// The token's times, and the key it was signed with.
pub(crate) struct Proof {
    pub(super) validity: Validity,
    pub(super) key: Arc<TrustedKey>,
}

impl Proof {
    /// Whether verifying the token again would find nothing against it.
    #[inline]
    pub(crate) fn holds_at(&self, now: i64) -> bool {
        self.validity.covers(now) && self.key.is_valid_at(now)
    }
}
