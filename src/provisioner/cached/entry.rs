//! What the cache holds of one load, and for how long it counts.

use tokio::time::Instant;

use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{decision::admission::is_revoked, provisioned::Provisioned},
};

/// A provisioner's result for one identity.
pub(super) type Verdict<U> = Result<Provisioned<U>, ProvisionError>;

/// The state of the world when a load began. A later change makes the load stale.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct Version {
    /// The key's epoch: entries of an older epoch are dead.
    pub(super) epoch: u64,
    /// How often a bus was lost: entries from before the last loss are read again.
    pub(super) bus_losses: u64,
}

/// Cloned at every hit: a clone only adds one reference to the user.
pub(super) struct Entry<U> {
    pub(super) verdict: Verdict<U>,
    pub(super) version: Version,
    pub(super) fresh_until: Instant,
    /// Until when the user as last read may be served while the store is down.
    pub(super) good_until: Option<Instant>,
    /// The user as last read, if the verdict holds what the application made of it.
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
    /// Returns whether the entry answers a request without a read.
    pub(super) fn is_fresh(&self, now: Version) -> bool {
        self.version == now && Instant::now() < self.fresh_until
    }

    /// Returns the user to serve while the store is down, and until when. An invalidated entry has
    /// none: a deactivation that this process knows of stays known.
    pub(super) fn fallback(&self, now: Version) -> Option<(&Provisioned<U>, Instant)> {
        let user = self.original.as_ref().or(self.verdict.as_ref().ok())?;
        let until = self.good_until?;
        let counts = self.version.epoch == now.epoch && Instant::now() < until;
        counts.then_some((user, until))
    }
}

/// Applies a verdict that was loaded for another token of the same user to this token, which may
/// have been revoked.
pub(super) fn apply<U>(identity: &Identity, verdict: Verdict<U>) -> Verdict<U> {
    let provisioned = verdict?;
    match is_revoked(identity, provisioned.tokens_valid_after()) {
        true => Err(ProvisionError::Revoked),
        false => Ok(provisioned),
    }
}
