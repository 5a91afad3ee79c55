//! What becomes of a verdict: remembered, told again, or stood in for while the store is down.

use std::{sync::atomic::Ordering, time::Duration};

use tokio::time::Instant;

use super::{
    Inner,
    entry::{Entry, Moment, judge},
};
use crate::{
    identity::{Identity, IdentityKey},
    provisioner::{DenialReason, ProvisionError, Provisioned, Provisioner},
    telemetry,
};

/// How long a refusal is remembered: long enough for a client that insists, and no longer than an
/// operator waits after lifting it.
const REFUSAL_TTL: Duration = Duration::from_secs(2);

/// How often a store that is down is asked again about one user.
const RETRY: Duration = Duration::from_secs(1);

/// What a provisioner says of an identity.
pub(super) type Verdict<U> = Result<Provisioned<U>, ProvisionError>;

impl<P: Provisioner> Inner<P> {
    pub(super) fn now(&self, key: IdentityKey) -> Moment {
        Moment {
            epoch: self.invalidations.epochs.current(key),
            doubt: self.invalidations.doubts.load(Ordering::Acquire),
        }
    }

    /// Remembers what a load brought home; returns the verdict to tell, which is the last known
    /// user's while the store is down.
    pub(super) fn remember(
        &self,
        identity: &Identity,
        mut began: Moment,
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
                    // Other tokens of the same user remember him as he was. If somebody else
                    // invalidated him meanwhile, this refusal is as old as they are.
                    let before = self.invalidations.epochs.invalidate(identity.key());
                    if before == began.epoch {
                        began.epoch += 1;
                    }
                }
                (Err(error.clone()), REFUSAL_TTL.min(self.options.ttl), None)
            }
            // A fresh token may pass. This one must not find the user as he was before.
            Err(ProvisionError::Revoked) => {
                let entry = self.entries.get(&identity.evidence());
                let fallback = entry
                    .as_ref()
                    .and_then(|entry| entry.fallback(self.now(identity.key())));
                if fallback.is_some_and(|(user, _)| judge(identity, Ok(user.clone())).is_ok()) {
                    self.invalidations.epochs.invalidate(identity.key());
                }
                return verdict;
            }
            Err(ProvisionError::Unavailable(_)) => {
                let Some(entry) = self.fall_back(identity, began) else {
                    return verdict;
                };
                let told = judge(identity, entry.verdict.clone());
                self.insert(identity, entry);
                return told;
            }
        };
        let entry = Entry {
            verdict: remembered,
            loaded: began,
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

    /// The entry of the user who serves while the store is down.
    fn fall_back(&self, identity: &Identity, loaded: Moment) -> Option<Entry<P::User>> {
        let entry = self.entries.get(&identity.evidence())?;
        let (original, until) = entry.fallback(self.now(identity.key()))?;
        let user = (self.options.unprivileged)(original.user())?;
        let stale = Provisioned::found(user);
        let stale = stale.with_tokens_valid_after(original.tokens_valid_after());
        Some(Entry {
            verdict: Ok(stale),
            loaded,
            // It is the store that has a pause, and that starts now.
            fresh_until: until.min(Instant::now() + RETRY),
            good_until: Some(until),
            original: Some(original.clone()),
        })
    }

    /// Returns what is remembered and still counts for this token.
    pub(super) fn recall(&self, identity: &Identity) -> Option<Verdict<P::User>> {
        let entry = self.entries.get(&identity.evidence())?;
        let counts = entry.is_fresh(self.now(identity.key()));
        counts.then(|| judge(identity, entry.verdict))
    }
}

/// Whether a refusal is about the user, whatever the token, and not about this token.
fn is_about_the_user(error: &ProvisionError) -> bool {
    matches!(
        error,
        ProvisionError::Denied(DenialReason::Deactivated | DenialReason::Deleted)
    )
}
