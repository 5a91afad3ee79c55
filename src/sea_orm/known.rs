//! Admission of known users, and the sync of their roles and profile with newer tokens.

use std::{
    collections::HashSet,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sea_orm::DbErr;

use super::{
    entity::now,
    hook,
    mapping::{KnownUser, LinkCandidate, UserMapping, millis},
    sea_orm_provisioner::SeaOrmProvisioner,
    store,
};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    principal::IdentityKey,
    provisioner::{
        Outcome, Provisioned,
        decision::{admission, profile_state, roles},
        explain::Facts,
    },
};

/// The number of attempts to store roles while other writes conflict.
const MAX_ATTEMPTS: usize = 4;

/// The interval at which `last_seen_at` is updated.
const LAST_SEEN_LAG: time::Duration = time::Duration::HOUR;

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Reads the user of an identity and checks whether it is admitted.
    pub(super) async fn find(
        &self,
        identity: &Identity,
    ) -> Result<Option<KnownUser<M::Row>>, ProvisionError> {
        let Some(known) = self.mapping.find(&self.db, identity).await? else {
            return Ok(None);
        };
        let snapshot = known.snapshot().ok_or(DenialReason::KindMismatch)?;
        admission::admit(identity, snapshot)?;
        roles::suffice(identity, known.grants())?;
        Ok(Some(known))
    }

    /// Reads the facts of an explanation, each read within the deadline.
    pub(crate) async fn facts(&self, identity: &Identity) -> Result<Facts, ProvisionError> {
        let finding = async { Ok(self.mapping.find(&self.db, identity).await?) };
        if let Some(known) = self.within_deadline(finding).await? {
            let changes_profile = match profile_state::is_due(identity, &known.profile) {
                false => false,
                true => {
                    let db = (&self.db).into();
                    let finding = async { Ok(self.find_holder(&db, identity, false).await?) };
                    let holder = self.within_deadline(finding).await?;
                    let holder = holder.as_ref().map(LinkCandidate::row);
                    self.mapping.changes_profile(identity, &known.row, holder)
                }
            };
            return Ok(Facts::Known {
                snapshot: known.snapshot(),
                grants: known.grants().to_vec(),
                stored_at: known.grants.as_ref().map(|stored| stored.issued_at),
                changes_profile,
            });
        }
        self.within_deadline(self.facts_of_newcomer(identity)).await
    }

    /// Returns an admitted user, after storing the token's roles and profile if they differ.
    pub(super) async fn provision_known(
        &self,
        identity: &Identity,
        known: KnownUser<M::Row>,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        self.record_last_seen(identity, &known);
        let roles = roles::counted(identity, known.grants());
        let after = known.tokens_valid_after.map(millis);
        let (row, outcome) = self.synchronise(identity, known).await?;
        let user = self.mapping.user(row, roles);
        Ok(Provisioned::new(user, outcome).with_tokens_valid_after(after))
    }

    /// Stores roles, then the profile, each in its own transaction: a profile that cannot be stored
    /// neither preserves a withdrawn role nor fails the request.
    async fn synchronise(
        &self,
        identity: &Identity,
        known: KnownUser<M::Row>,
    ) -> Result<(M::Row, Outcome), ProvisionError> {
        let are_roles_due = known
            .grants
            .as_ref()
            .is_some_and(|stored| roles::are_due(identity, &stored.grants, stored.issued_at));
        let is_profile_due = profile_state::is_due(identity, &known.profile);
        if !are_roles_due && !is_profile_due {
            return Ok((known.row, Outcome::Found));
        }
        let permit = match self.write_permit().await {
            Ok(permit) => permit,
            Err(error) if are_roles_due => return Err(error),
            Err(error) => {
                log_profile(&error);
                return Ok((known.row, Outcome::Found));
            }
        };
        let (this, identity) = (self.clone(), identity.clone());
        let writing = tokio::spawn(async move {
            let _permit = permit;
            let mut row = known.row;
            let mut outcome = Outcome::Found;
            if are_roles_due
                && this
                    .within_deadline(this.store_roles(&identity, &row))
                    .await?
            {
                outcome = Outcome::Updated;
            }
            if is_profile_due && let Some(updated) = this.store_profile(&identity, &row).await {
                (row, outcome) = (updated, Outcome::Updated);
            }
            if outcome == Outcome::Updated {
                hook::notify(this.observer.as_deref(), outcome, &identity, &row);
            }
            Ok((row, outcome))
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(ProvisionError::unavailable(panic)))
    }

    /// Retries when the database aborted the transaction (deadlock, serialization failure).
    async fn store_roles(&self, identity: &Identity, row: &M::Row) -> Result<bool, ProvisionError> {
        for _ in 1..MAX_ATTEMPTS {
            match self.try_roles(identity, row).await {
                Err(error) if store::is_aborted(&error) => {}
                // An equally new token was stored first, or the user is gone; the next read sees
                // either.
                Err(error) if store::is_lost_race(&error) => return Ok(false),
                is_stored => return Ok(is_stored?),
            }
        }
        Ok(self.try_roles(identity, row).await?)
    }

    async fn try_roles(&self, identity: &Identity, row: &M::Row) -> Result<bool, DbErr> {
        let transaction = store::begin(&self.db).await?;
        let is_stored = self.mapping.store_roles(&transaction, identity, row).await;
        match is_stored {
            Ok(_) => transaction.commit().await?,
            Err(_) => store::roll_back(transaction).await?,
        }
        is_stored
    }

    /// Stores the profile. If the address belongs to another user, the profile is stored without
    /// it. A failure is logged, and the next request tries again.
    async fn store_profile(&self, identity: &Identity, row: &M::Row) -> Option<M::Row> {
        let storing = async {
            let mut stored = self.try_profile(identity, row, true).await;
            if matches!(&stored, Err(error) if store::is_lost_race(error)) {
                tracing::info!(
                    "the address of a profile belongs to another user and was not stored"
                );
                stored = self.try_profile(identity, row, false).await;
            }
            Ok(stored?)
        };
        let stored = self.within_deadline(storing).await;
        stored.unwrap_or_else(|error| {
            log_profile(&error);
            None
        })
    }

    async fn try_profile(
        &self,
        identity: &Identity,
        row: &M::Row,
        with_address: bool,
    ) -> Result<Option<M::Row>, DbErr> {
        let transaction = store::begin(&self.db).await?;
        let stored = self
            .mapping
            .store_profile(&transaction, identity, row, with_address)
            .await;
        match stored {
            Ok(_) => transaction.commit().await?,
            Err(_) => store::roll_back(transaction).await?,
        }
        stored
    }

    /// Updates `last_seen_at` in the background: at most once an hour, with one task per identity,
    /// and not while all writes are busy.
    fn record_last_seen(&self, identity: &Identity, known: &KnownUser<M::Row>) {
        let cutoff = now() - LAST_SEEN_LAG;
        let is_due = known
            .last_seen_at
            .is_some_and(|seen| seen.is_none_or(|seen| seen < cutoff));
        if !is_due {
            return;
        }
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else {
            return;
        };
        if !lock(&self.last_seen_updates).insert(identity.key()) {
            return;
        }
        let guard = RemoveOnDrop(Arc::clone(&self.last_seen_updates), identity.key());
        let (provisioner, identity) = (self.clone(), identity.clone());
        tokio::spawn(async move {
            let _guard = guard;
            let mapping = &provisioner.mapping;
            let work = async { Ok(mapping.touch(&provisioner.db, &identity, cutoff).await?) };
            if let Err(error) = provisioner.within_deadline(work).await {
                tracing::debug!(%error, "last_seen_at was not updated");
            }
            drop(permit);
        });
    }
}

fn log_profile(error: &ProvisionError) {
    let cause = error.source().map(tracing::field::display);
    tracing::warn!(%error, cause, "a profile was not stored");
}

/// Removes the identity from the set of running updates when dropped, also after a panic.
struct RemoveOnDrop(Arc<Mutex<HashSet<IdentityKey>>>, IdentityKey);

impl Drop for RemoveOnDrop {
    fn drop(&mut self) {
        lock(&self.0).remove(&self.1);
    }
}

/// The set is never left half changed, so a poisoned lock is still valid.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
