//! Users who are not known yet: decided about first, then written.

use sea_orm::{DatabaseExecutor, DbErr};
use tokio::time::timeout;

use super::{KnownUser, LinkCandidate, NewUser, SeaOrmProvisioner, UserMapping, hook, store};
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

/// How often a lost race is run again before it counts as a conflict.
const MAX_ATTEMPTS: usize = 4;

/// Who came out of it.
enum Joined<R> {
    New(R, UserStatus),
    Known(Outcome, KnownUser<R>),
}

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Decides about an unknown identity and writes what was decided.
    pub(super) async fn join(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        let joining = identity.clone();
        let joined = self
            .write(|this| async move { this.settle(&joining).await })
            .await?;
        match joined {
            // Made and refused in one request: the row waits for approval.
            Joined::New(_, UserStatus::Pending) => Err(crate::DenialReason::PendingApproval.into()),
            Joined::New(row, _) => {
                let user = self.mapping.user(row, roles::counted(identity, &[]));
                Ok(Provisioned::created(user))
            }
            Joined::Known(Outcome::Linked, known) => {
                let roles = roles::counted(identity, known.grants());
                let after = known.tokens_valid_after.map(super::mapping::millis);
                let user = self.mapping.user(known.row, roles);
                Ok(Provisioned::linked(user).with_tokens_valid_after(after))
            }
            Joined::Known(_, known) => self.enter(identity, known).await,
        }
    }

    /// Tries until it is settled who the identity's user is. Whatever stands in the way, the identity
    /// itself may be the reason: another request of it was faster, and by now holds the address, has
    /// used the ticket or has taken the last place. So everybody reads again before giving up.
    async fn settle(&self, identity: &Identity) -> Result<Joined<M::Row>, ProvisionError> {
        let mut profile = None;
        for _ in 0..MAX_ATTEMPTS {
            let refusal = match self.attempt(identity, &mut profile).await {
                Ok(joined) => return Ok(joined),
                Err(WriteError::Refused(error @ ProvisionError::Unavailable(_))) => {
                    return Err(error);
                }
                Err(WriteError::Refused(error)) => Some(error),
                Err(WriteError::LostRace) => None,
            };
            // The request has read once already, and found nobody.
            if let Some(winner) = self.find(identity).await? {
                return Ok(Joined::Known(Outcome::Found, winner));
            }
            if let Some(error) = refusal {
                return Err(error);
            }
        }
        tracing::warn!(
            attempts = MAX_ATTEMPTS,
            "a unique value is another user's, and the identity is nobody's"
        );
        Err(ProvisionError::Conflict)
    }

    async fn attempt(
        &self,
        identity: &Identity,
        profile: &mut Option<Profile>,
    ) -> Result<Joined<M::Row>, WriteError> {
        let holder = self
            .find_holder(&(&self.db).into(), identity, false)
            .await?;
        let candidate = holder.as_ref().map(|holder| &holder.candidate);
        match decide(identity, candidate).map_err(WriteError::Refused)? {
            Newcomer::Create(status) => self.create(identity, status, profile).await,
            Newcomer::Link => self.link(identity).await,
        }
    }

    /// What an explanation is made of.
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
    ) -> Result<Joined<M::Row>, WriteError> {
        let has_limits = identity.policy().has_limits();
        let profile = match profile {
            Some(profile) => profile,
            None => {
                // Nobody is looked up who is refused.
                if has_limits && self.enricher.is_some() {
                    self.check_limits(identity).await?;
                }
                profile.insert(self.profile_of_newcomer(identity).await)
            }
        };
        // From the count to the commit: two who are counted at once would both take the last place.
        let _place = match has_limits {
            false => None,
            true => Some(self.places.lock().await),
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
                // Before anything is read again; a dropped transaction is rolled back some time
                // later.
                store::roll_back(transaction).await?;
                // Nothing the new rows refer to is anybody else's to remove: a foreign key that is
                // not there is a fault of the mapping or the hook.
                return Err(match store::is_dangling(&error) {
                    true => WriteError::Refused(error.into()),
                    false => error.into(),
                });
            }
        };
        transaction.commit().await?;
        hook::tell(self.observer.as_deref(), Outcome::Created, identity, &row);
        Ok(Joined::New(row, status))
    }

    async fn check_limits(&self, identity: &Identity) -> Result<(), WriteError> {
        let population = self.mapping.population(&self.db, identity).await?;
        within_limits(identity, population).map_err(WriteError::Refused)
    }

    /// What the token says, and what the enricher adds within half of the time there is. Not in the
    /// transaction: it may take a while.
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
                tracing::warn!("a new user is created without enrichment: it took too long");
                profile
            }
        }
    }

    /// Reads the candidate again under lock: it may have been deactivated, changed its address, or
    /// been linked to this very identity since the decision.
    async fn link(&self, identity: &Identity) -> Result<Joined<M::Row>, WriteError> {
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
        hook::tell(
            self.observer.as_deref(),
            Outcome::Linked,
            identity,
            &known.row,
        );
        Ok(Joined::Known(Outcome::Linked, known))
    }
}

/// Why a write did not happen.
enum WriteError {
    /// Somebody else was faster; reading again tells who.
    LostRace,
    Refused(ProvisionError),
}

impl From<DbErr> for WriteError {
    fn from(error: DbErr) -> Self {
        match store::is_lost_race(&error) || store::is_given_up(&error) {
            true => Self::LostRace,
            false => Self::Refused(error.into()),
        }
    }
}
