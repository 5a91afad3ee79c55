//! What is remembered of one load, and for how long it counts.

use tokio::time::Instant;

use super::verdict::Verdict;
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

/// Cloned at every hit: a clone counts one more hold on the user, and no more than that.
pub(super) struct Entry<U> {
    pub(super) verdict: Verdict<U>,
    pub(super) loaded: Moment,
    pub(super) fresh_until: Instant,
    /// Until when the user as last read may be served while the store is down.
    pub(super) good_until: Option<Instant>,
    /// The user as last read, where the verdict is what the application made of him.
    pub(super) original: Option<Provisioned<U>>,
}

impl<U> Clone for Entry<U> {
    fn clone(&self) -> Self {
        Self {
            verdict: self.verdict.clone(),
            original: self.original.clone(),
            ..*self
        }
    }
}

impl<U> Entry<U> {
    /// Whether the entry answers a request without asking anybody.
    pub(super) fn is_fresh(&self, now: Moment) -> bool {
        self.loaded == now && Instant::now() < self.fresh_until
    }

    /// The user to fall back on while the store is down, and until when. An invalidated one is
    /// none: what this process knows of a deactivation stays known.
    pub(super) fn fallback(&self, now: Moment) -> Option<(&Provisioned<U>, Instant)> {
        let user = self.original.as_ref().or(self.verdict.as_ref().ok())?;
        let until = self.good_until?;
        let counts = self.loaded.epoch == now.epoch && Instant::now() < until;
        counts.then_some((user, until))
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
