//! Storing and recalling verdicts, and the fallback to the last known user while the store is
//! unavailable.

use std::time::Duration;

use tokio::time::Instant;

use super::{
    entry::{Entry, Verdict, Version, apply},
    inner::Inner,
};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    provisioner::{outcome::Outcome, provisioned::Provisioned, provisioner::Provisioner},
    telemetry,
};

/// TTL of a refusal. Long enough for a client that retries at once, and short enough for an
/// operator who lifts the refusal.
const REFUSAL_TTL: Duration = Duration::from_secs(2);

/// The pause between two reads of one user while the store is unavailable.
const RETRY: Duration = Duration::from_secs(1);

impl<P: Provisioner> Inner<P> {
    /// Stores the result of a load, and returns the verdict for the requests that wait for it.
    /// While the store is unavailable, this is the last known user.
    pub(super) fn remember(
        &self,
        identity: &Identity,
        mut version: Version,
        started: Instant,
        verdict: Verdict<P::User>,
    ) -> Verdict<P::User> {
        let (remembered, fresh_for, good_until) = match &verdict {
            Ok(provisioned) => {
                let good_until = started + self.options.stale_for;
                (
                    Ok(provisioned.as_found()),
                    self.options.ttl,
                    Some(good_until),
                )
            }
            Err(error @ (ProvisionError::Conflict | ProvisionError::Denied(_))) => {
                if is_about_the_user(error) {
                    // The entries of the user's other tokens contain the old status. If another
                    // thread has invalidated the user since, this refusal is as old as these
                    // entries.
                    let before = self.invalidations.epochs.invalidate(identity.key());
                    if before == version.epoch {
                        version.epoch += 1;
                    }
                }
                (Err(error.clone()), REFUSAL_TTL.min(self.options.ttl), None)
            }
            // Don't cache: a newer token may be admitted. But invalidate an entry that would still
            // admit this token.
            Err(ProvisionError::Revoked) => {
                let entry = self.entries.get(&identity.evidence());
                let fallback = entry
                    .as_ref()
                    .and_then(|entry| entry.fallback(self.version(identity.key())));
                if fallback.is_some_and(|(user, _)| apply(identity, Ok(user.clone())).is_ok()) {
                    self.invalidations.epochs.invalidate(identity.key());
                }
                return verdict;
            }
            Err(ProvisionError::Unavailable(_)) => {
                let Some(entry) = self.fall_back(identity, version) else {
                    return verdict;
                };
                let served = apply(identity, entry.verdict.clone());
                self.insert(identity, entry);
                return served;
            }
        };
        let entry = Entry {
            verdict: remembered,
            version,
            fresh_until: started + fresh_for,
            good_until,
            original: None,
        };
        self.insert(identity, entry);
        verdict
    }

    fn insert(&self, identity: &Identity, entry: Entry<P::User>) {
        self.entries.insert(identity.evidence(), entry);
        telemetry::user_cache_size(self.entries.len());
    }

    /// Returns an entry with the last known user, for the time of an outage.
    fn fall_back(&self, identity: &Identity, version: Version) -> Option<Entry<P::User>> {
        let entry = self.entries.get(&identity.evidence())?;
        let (original, until) = entry.fallback(self.version(identity.key()))?;
        let user = (self.options.unprivileged)(original.user())?;
        let stale = Provisioned::new(user, Outcome::Found);
        let stale = stale.with_tokens_valid_after(original.tokens_valid_after());
        Some(Entry {
            verdict: Ok(stale),
            version,
            // The pause between reads starts now, and not when the failed read started.
            fresh_until: until.min(Instant::now() + RETRY),
            good_until: Some(until),
            original: Some(original.clone()),
        })
    }

    /// Returns the cached verdict if it is still valid, applied to this token.
    pub(super) fn recall(&self, identity: &Identity) -> Option<Verdict<P::User>> {
        let entry = self.entries.get(&identity.evidence())?;
        let counts = entry.is_fresh(self.version(identity.key()));
        counts.then(|| apply(identity, entry.verdict))
    }
}

/// Returns whether a refusal applies to every token of the user, and not only to this one.
fn is_about_the_user(error: &ProvisionError) -> bool {
    matches!(
        error,
        ProvisionError::Denied(DenialReason::Deactivated | DenialReason::Deleted)
    )
}
