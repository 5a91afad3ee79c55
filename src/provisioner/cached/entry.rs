//! Cache entry: the result of one load, and how long it is valid.

use tokio::time::Instant;

use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{decision::admission::is_revoked, provisioned::Provisioned},
};

/// A provisioner's result for one identity.
pub(super) type Verdict<U> = Result<Provisioned<U>, ProvisionError>;

/// The invalidation counters when a load started. A later change makes its result stale.
#[derive(Clone, Copy, Eq, Hash, PartialEq)]
pub(super) struct Version {
    /// The key's epoch. Entries of an older epoch are invalid.
    pub(super) epoch: u64,
    /// The number of lost bus connections. Entries from before the last loss are read again.
    pub(super) bus_losses: u64,
}

/// The result of a load. A hit clones the entry, which only increments a reference count.
pub(super) struct Entry<U> {
    pub(super) verdict: Verdict<U>,
    pub(super) version: Version,
    pub(super) fresh_until: Instant,
    /// The time until which the user may be returned while the store is unavailable.
    pub(super) good_until: Option<Instant>,
    /// The user as last read, if `verdict` contains the unprivileged user instead.
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
    /// Returns whether the entry may be used without a read.
    pub(super) fn is_fresh(&self, now: Version) -> bool {
        self.version == now && Instant::now() < self.fresh_until
    }

    /// Returns the user for the time of an outage, and the end of that time.
    ///
    /// An invalidated entry has none, so that a deactivation that this process has seen still
    /// applies.
    pub(super) fn fallback(&self, now: Version) -> Option<(&Provisioned<U>, Instant)> {
        let user = self.original.as_ref().or(self.verdict.as_ref().ok())?;
        let until = self.good_until?;
        let counts = self.version.epoch == now.epoch && Instant::now() < until;
        counts.then_some((user, until))
    }
}

/// Applies a verdict that was loaded for another token of the same user to this token, which may be
/// revoked.
pub(super) fn apply<U>(identity: &Identity, verdict: Verdict<U>) -> Verdict<U> {
    let provisioned = verdict?;
    match is_revoked(identity, provisioned.tokens_valid_after()) {
        true => Err(ProvisionError::Revoked),
        false => Ok(provisioned),
    }
}
