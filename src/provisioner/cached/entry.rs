//! What is remembered of one load, and for how long it counts.

use tokio::time::Instant;

use super::Verdict;
use crate::{
    identity::Identity,
    provisioner::{ProvisionError, Provisioned, policy::admission::is_revoked},
};

/// When a load began: what happened since makes it stale.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct Moment {
    /// The key's epoch: entries of an older one are dead.
    pub(super) epoch: u64,
    /// How often invalidations may have been missed: entries of before are read again.
    pub(super) doubt: u64,
}

pub(super) struct Entry<U> {
    pub(super) verdict: Verdict<U>,
    pub(super) loaded: Moment,
    pub(super) fresh_until: Instant,
    /// The user as last read, and until when he may be served while the store is down.
    pub(super) last_good: Option<(Provisioned<U>, Instant)>,
}

impl<U> Entry<U> {
    /// Whether the entry answers a request without asking anybody.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.loaded == now && Instant::now() < self.fresh_until
    }

    /// The user to fall back on while the store is down, and until when. An invalidated one is
    /// none: what this process knows of a deactivation stays known.
    pub(super) fn fallback(&self, now: Moment) -> Option<&(Provisioned<U>, Instant)> {
        let last_good = self.last_good.as_ref()?;
        let counts = self.loaded.epoch == now.epoch && Instant::now() < last_good.1;
        counts.then_some(last_good)
    }
}

/// A user remembered for another token was not asked about this one.
pub(super) fn judge<U>(identity: &Identity, verdict: Verdict<U>) -> Verdict<U> {
    let provisioned = verdict?;
    match is_revoked(identity, provisioned.tokens_valid_after()) {
        true => Err(ProvisionError::Revoked),
        false => Ok(provisioned),
    }
}
