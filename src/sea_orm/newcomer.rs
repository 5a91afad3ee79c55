//! Creation and linking of users for unknown identities.

use sea_orm::{DatabaseExecutor, DbErr};
use tokio::time::timeout;

use super::{
    hook,
    mapping::{KnownUser, LinkCandidate, NewUser, UserMapping, millis},
    sea_orm_provisioner::SeaOrmProvisioner,
    store,
};
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{
        Outcome, Provisioned,
        decision::{
            Profile, UserStatus,
            linking::linking_address,
            newcomer::{Newcomer, decide},
            roles,
            sign_up::within_limits,
        },
        explain::Facts,
    },
};

/// The number of attempts before a lost race counts as a conflict.
const MAX_ATTEMPTS: usize = 4;

/// The user of an identity that was unknown.
enum Resolved<R> {
    Created(R, UserStatus),
    Known(Outcome, KnownUser<R>),
}

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Creates or links a user for an unknown identity, as the policy decides.
    pub(super) async fn provision_unknown(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        let owned = identity.clone();
        let resolved = self
            .write(|this| async move { this.create_or_link(&owned).await })
            .await?;
        match resolved {
            // The row now exists, but the user waits for approval.
            Resolved::Created(_, UserStatus::Pending) => {
                Err(crate::DenialReason::PendingApproval.into())
            }
            Resolved::Created(row, _) => {
                let user = self.mapping.user(row, roles::counted(identity, &[]));
                Ok(Provisioned::new(user, Outcome::Created))
            }
            Resolved::Known(Outcome::Linked, known) => {
                let roles = roles::counted(identity, known.grants());
                let after = known.tokens_valid_after.map(millis);
                let user = self.mapping.user(known.row, roles);
                Ok(Provisioned::new(user, Outcome::Linked).with_tokens_valid_after(after))
            }
            Resolved::Known(_, known) => self.provision_known(identity, known).await,
        }
    }

    /// Attempts to create or link until the identity has a user.
    ///
    /// After a lost race and after a refusal alike, it reads the identity again: a concurrent
    /// request of the same identity may have created the user, and may itself be the cause of the
    /// refusal, because it holds the address, has consumed the ticket or has used up the limit.
    async fn create_or_link(
        &self,
        identity: &Identity,
    ) -> Result<Resolved<M::Row>, ProvisionError> {
        let mut profile = None;
        for _ in 0..MAX_ATTEMPTS {
            let refusal = match self.attempt(identity, &mut profile).await {
                Ok(resolved) => return Ok(resolved),
                Err(WriteError::Refused(error @ ProvisionError::Unavailable(_))) => {
                    return Err(error);
                }
                Err(WriteError::Refused(error)) => Some(error),
                Err(WriteError::LostRace) => None,
            };
            // The caller's read found no user.
            if let Some(winner) = self.find(identity).await? {
                return Ok(Resolved::Known(Outcome::Found, winner));
            }
            if let Some(error) = refusal {
                return Err(error);
            }
        }
        tracing::warn!(
            attempts = MAX_ATTEMPTS,
            "a unique value belongs to another user, and the identity to no user"
        );
        Err(ProvisionError::Conflict)
    }

    async fn attempt(
        &self,
        identity: &Identity,
        profile: &mut Option<Profile>,
    ) -> Result<Resolved<M::Row>, WriteError> {
        let holder = self
            .find_holder(&(&self.db).into(), identity, false)
            .await?;
        let candidate = holder.as_ref().map(|holder| &holder.candidate);
        match decide(identity, candidate).map_err(WriteError::Refused)? {
            Newcomer::Create(status) => self.create(identity, status, profile).await,
            Newcomer::Link => self.link(identity).await,
        }
    }

    /// Reads the facts of an explanation for an unknown identity.
    pub(super) async fn facts_of_newcomer(
        &self,
        identity: &Identity,
    ) -> Result<Facts, ProvisionError> {
        let holder = self
            .find_holder(&(&self.db).into(), identity, false)
            .await?;
        let sign_up_counts = match identity.policy().has_limits() {
            false => None,
            true => Some(self.mapping.population(&self.db, identity).await?),
        };
        Ok(Facts::Unknown {
            candidate: holder.map(|holder| holder.candidate),
            sign_up_counts,
        })
    }

    pub(super) async fn find_holder(
        &self,
        db: &DatabaseExecutor<'_>,
        identity: &Identity,
        locked: bool,
    ) -> Result<Option<LinkCandidate<M::Row>>, DbErr> {
        match linking_address(identity) {
            None => Ok(None),
            Some(address) => {
                self.mapping
                    .find_holder(db, identity, address, locked)
                    .await
            }
        }
    }

    async fn create(
        &self,
        identity: &Identity,
        status: UserStatus,
        profile: &mut Option<Profile>,
    ) -> Result<Resolved<M::Row>, WriteError> {
        let has_limits = identity.policy().has_limits();
        let profile = match profile {
            Some(profile) => profile,
            None => {
                // Check the limits before the enricher fetches anything.
                if has_limits && self.enricher.is_some() {
                    self.check_limits(identity).await?;
                }
                profile.insert(self.profile_of_newcomer(identity).await)
            }
        };
        // Held from the count to the commit: two concurrent counts would both see the last place
        // free.
        let _sign_up = match has_limits {
            false => None,
            true => Some(self.sign_ups.lock().await),
        };
        if has_limits {
            self.check_limits(identity).await?;
        }
        let user = NewUser::new(identity, status, profile.clone());
        let transaction = store::begin(&self.db).await?;
        let created = async {
            let row = self.mapping.create(&transaction, &user).await?;
            if let Some(hook) = &self.hook {
                hook.on_create(&transaction, identity, &row).await?;
            }
            Ok::<_, DbErr>(row)
        };
        let row = match created.await {
            Ok(row) => row,
            Err(error) => {
                // Roll back before the next read: a dropped transaction is rolled back at some
                // later time.
                store::roll_back(transaction).await?;
                // No concurrent request removes rows that the new rows refer to. A foreign key
                // violation is therefore a fault of the mapping or the hook, and a retry would not
                // help.
                return Err(match store::is_dangling(&error) {
                    true => WriteError::Refused(error.into()),
                    false => error.into(),
                });
            }
        };
        transaction.commit().await?;
        hook::notify(self.observer.as_deref(), Outcome::Created, identity, &row);
        Ok(Resolved::Created(row, status))
    }

    async fn check_limits(&self, identity: &Identity) -> Result<(), WriteError> {
        let population = self.mapping.population(&self.db, identity).await?;
        within_limits(identity, population).map_err(WriteError::Refused)
    }

    /// Returns the token's profile, completed by the enricher within half of the deadline. Runs
    /// outside of the transaction, because the enricher may be slow.
    async fn profile_of_newcomer(&self, identity: &Identity) -> Profile {
        let profile = Profile::of_newcomer(identity);
        let Some(enricher) = &self.enricher else {
            return profile;
        };
        match timeout(self.deadline / 2, enricher.enrich(identity)).await {
            Ok(Ok(found)) => profile.enriched(identity, found),
            Ok(Err(error)) => {
                tracing::warn!(error = &*error, "a new user is created without enrichment");
                profile
            }
            Err(_) => {
                tracing::warn!("a new user is created without enrichment: the enricher timed out");
                profile
            }
        }
    }

    /// Links the identity to the candidate, which is read and decided about again under lock: since
    /// the decision the candidate may have been deactivated, changed its address, or been linked to
    /// this identity.
    async fn link(&self, identity: &Identity) -> Result<Resolved<M::Row>, WriteError> {
        let transaction = store::begin(&self.db).await?;
        let linked = async {
            let holder = self
                .find_holder(&(&transaction).into(), identity, true)
                .await?;
            let holder = holder.ok_or(WriteError::LostRace)?;
            match decide(identity, Some(&holder.candidate)) {
                Ok(Newcomer::Link) => {}
                Ok(Newcomer::Create(_)) | Err(_) => return Err(WriteError::LostRace),
            }
            Ok(self.mapping.link(&transaction, identity, &holder).await?)
        };
        if let Err(error) = linked.await {
            store::roll_back(transaction).await?;
            return Err(error);
        }
        transaction.commit().await?;
        let known = self.find(identity).await.map_err(WriteError::Refused)?;
        let known = known.ok_or(WriteError::LostRace)?;
        hook::notify(
            self.observer.as_deref(),
            Outcome::Linked,
            identity,
            &known.row,
        );
        Ok(Resolved::Known(Outcome::Linked, known))
    }
}

/// The cause of a failed write.
enum WriteError {
    /// A concurrent write won; the next read finds the result.
    LostRace,
    Refused(ProvisionError),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        match store::is_lost_race(&error) || store::is_aborted(&error) {
            true => Self::LostRace,
            false => Self::Refused(error.into()),
        }
    }
}
