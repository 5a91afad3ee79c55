//! Users who are known: admitted, and brought up to date where a newer token says so.

use std::{
    collections::HashSet,
    error::Error,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use sea_orm::DbErr;

use super::{
    KnownUser, LinkCandidate, SeaOrmProvisioner, UserMapping, entity::now, hook, mapping::millis,
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

/// How often roles are stored that another write stands in the way of.
const MAX_ATTEMPTS: usize = 4;

/// How long `last_seen_at` may lag behind.
const LAST_SEEN_LAG: time::Duration = time::Duration::HOUR;

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Reads the user behind an identity and judges whether it may enter.
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

    /// What an explanation is made of: reads only, each within the deadline.
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

    /// Lets an admitted user in: at once if its token says nothing new.
    pub(super) async fn enter(
        &self,
        identity: &Identity,
        known: KnownUser<M::Row>,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        self.note_seen(identity, &known);
        let roles = roles::counted(identity, known.grants());
        let after = known.tokens_valid_after.map(millis);
        let (row, outcome) = self.bring_up_to_date(identity, known).await?;
        let user = self.mapping.user(row, roles);
        Ok(Provisioned::new(user, outcome).with_tokens_valid_after(after))
    }

    /// Stores roles, then the profile, each in a transaction of its own: a profile that cannot be
    /// stored does not save a role that was taken away, and fails no request.
    async fn bring_up_to_date(
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
        let permit = match self.turn().await {
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
                hook::tell(this.observer.as_deref(), outcome, &identity, &row);
            }
            Ok((row, outcome))
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(ProvisionError::unavailable(panic)))
    }

    /// What another write stood in the way of is tried again.
    async fn store_roles(&self, identity: &Identity, row: &M::Row) -> Result<bool, ProvisionError> {
        for _ in 1..MAX_ATTEMPTS {
            match self.try_roles(identity, row).await {
                Err(error) if store::is_given_up(&error) => {}
                // A token as young was faster, or the user is gone: both are seen at the next read.
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

    /// A profile that cannot be stored is logged, and tried again with the next request; one whose
    /// address is somebody else's is stored without it.
    async fn store_profile(&self, identity: &Identity, row: &M::Row) -> Option<M::Row> {
        let storing = async {
            let mut stored = self.try_profile(identity, row, true).await;
            if matches!(&stored, Err(error) if store::is_lost_race(error)) {
                tracing::info!("the address of a profile is another user's and was left as it was");
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

    /// Notes in the background that the user was seen: at most once an hour, one task an identity,
    /// and not at all while the store is busy creating users.
    fn note_seen(&self, identity: &Identity, known: &KnownUser<M::Row>) {
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
        if !lock(&self.touching).insert(identity.key()) {
            return;
        }
        let noting = Noting(Arc::clone(&self.touching), identity.key());
        let (provisioner, identity) = (self.clone(), identity.clone());
        tokio::spawn(async move {
            let _noting = noting;
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

/// Clears the note under way when it is over, also when it panicked.
struct Noting(Arc<Mutex<HashSet<IdentityKey>>>, IdentityKey);

impl Drop for Noting {
    fn drop(&mut self) {
        lock(&self.0).remove(&self.1);
    }
}

/// No code panics while it holds this lock.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
