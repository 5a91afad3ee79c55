//! Users in a database, by sea-orm.
//!
//! [`SeaOrmProvisioner`] keeps users in four tables of this crate's ([`entity`]); with feature
//! `migration`, [`migration`] creates them. It runs on SQLite, PostgreSQL, MySQL and MariaDB; the
//! application chooses driver and runtime by sea-orm's own features.
//!
//! ```no_run
//! use sea_orm::Database;
//! use tower_jit_provisioning::{JwtVerifier, ProvisionLayer, sea_orm::SeaOrmProvisioner};
//!
//! # async fn run(verifier: JwtVerifier) -> Result<(), sea_orm::DbErr> {
//! let db = Database::connect("sqlite://users.sqlite?mode=rwc").await?;
//! # #[cfg(feature = "migration")]
//! tower_jit_provisioning::sea_orm::migration::run(&db).await?;
//! let layer = ProvisionLayer::new(verifier, SeaOrmProvisioner::new(db));
//! # let _ = layer;
//! # Ok(())
//! # }
//! ```
//!
//! # How a user is found or created
//!
//! A known user is one `SELECT` by a unique key and no write. An unknown identity is decided about
//! first, and written in a short transaction of its own, with plain `INSERT`s. A unique violation
//! means that somebody else was faster: the transaction is rolled back and the read is done again,
//! outside of it, at most four times. No upsert is used anywhere: MariaDB's has no conflict target
//! and hands out the row of whoever holds the same address.
//!
//! The write runs detached from the request, so a client that hangs up leaves no half user behind
//! and no error for the others. Reads and writes have a deadline each.

pub mod entity;
#[cfg(feature = "migration")]
pub mod migration;
mod store;
mod user;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DbErr};
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};
use uuid::Uuid;

pub use self::user::User;
use self::{
    entity::{now, users},
    store::Known,
};
use super::{
    DenialReason, ProvisionError, Provisioned, Provisioner,
    policy::{self, Newcomer, Snapshot, Status},
};
use crate::identity::{Identity, digest};

/// How long a read, and how long a write, may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many users may be created at once.
const MAX_WRITES: usize = 16;

/// How often a lost race is run again before it counts as a conflict.
const MAX_ATTEMPTS: usize = 4;

/// How long `last_seen_at` may lag behind.
const LAST_SEEN_LAG: time::Duration = time::Duration::HOUR;

/// The value of `issuer_key` for an issuer: 64 lower-case hexadecimal digits.
#[must_use]
pub fn issuer_key(issuer: &str) -> String {
    digest([issuer])
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect()
}

/// Finds or creates users in the bundled tables. See the [module docs](self).
///
/// Cheap to clone; clones share the bound on writes.
#[derive(Clone)]
pub struct SeaOrmProvisioner {
    db: DatabaseConnection,
    deadline: Duration,
    writes: Arc<Semaphore>,
    touching: Arc<Mutex<HashSet<Uuid>>>,
}

impl SeaOrmProvisioner {
    /// Uses the bundled tables behind a connection.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self {
            db,
            deadline: DEADLINE,
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            touching: Arc::default(),
        }
    }

    /// Bounds how long a read, and how long a write, may take. Default: 2 seconds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bounds how many users may be created at once; further ones wait, within the deadline.
    /// Default: 16. Keep it below the pool's size, or first requests starve the others.
    #[must_use]
    pub fn with_max_writes(mut self, writes: usize) -> Self {
        self.writes = Arc::new(Semaphore::new(writes.max(1)));
        self
    }

    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, ProvisionError>> + Send,
    ) -> Result<T, ProvisionError> {
        timeout(self.deadline, work)
            .await
            .unwrap_or_else(|elapsed| Err(ProvisionError::unavailable(elapsed)))
    }

    async fn find(&self, identity: &Identity) -> Result<Option<Provisioned<User>>, ProvisionError> {
        match store::find(&self.db, &identity.key().to_string()).await? {
            None => Ok(None),
            Some(known) => self.admit(identity, known).map(Some),
        }
    }

    fn admit(
        &self,
        identity: &Identity,
        known: Known,
    ) -> Result<Provisioned<User>, ProvisionError> {
        let row = known.user;
        let snapshot = Snapshot {
            status: Status::parse(&row.status).unwrap_or(Status::Deactivated),
            kind: known.kind.ok_or(DenialReason::KindMismatch)?,
            tokens_valid_after: row.tokens_valid_after.map(store::millis),
        };
        policy::admit(identity, snapshot)?;
        self.touch(&row);
        let roles = known.manual_roles.into_iter();
        let roles = roles.chain(identity.roles().as_slice().iter().cloned());
        let found = Provisioned::found(User::new(row, roles));
        Ok(found.with_tokens_valid_after(snapshot.tokens_valid_after))
    }

    /// Notes in the background that the user was seen: at most once an hour, one task a user, and
    /// not at all while the store is busy creating users.
    fn touch(&self, row: &users::Model) {
        let cutoff = now() - LAST_SEEN_LAG;
        if row.last_seen_at.is_some_and(|seen| seen >= cutoff) {
            return;
        }
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else {
            return;
        };
        let user_id = row.id;
        if !lock(&self.touching).insert(user_id) {
            return;
        }
        let provisioner = self.clone();
        tokio::spawn(async move {
            let work = async { Ok(store::touch(&provisioner.db, user_id, cutoff).await?) };
            if let Err(error) = provisioner.within_deadline(work).await {
                tracing::debug!(%error, "last_seen_at was not updated");
            }
            lock(&provisioner.touching).remove(&user_id);
            drop(permit);
        });
    }

    /// Decides about an unknown identity and writes what was decided, on a task of its own.
    async fn join(&self, identity: &Identity) -> Result<Provisioned<User>, ProvisionError> {
        let acquired = Arc::clone(&self.writes).acquire_owned();
        let acquiring = async { acquired.await.map_err(ProvisionError::unavailable) };
        let permit: OwnedSemaphorePermit = self.within_deadline(acquiring).await?;
        let (provisioner, identity) = (self.clone(), identity.clone());
        let writing = tokio::spawn(async move {
            let _permit = permit;
            provisioner
                .within_deadline(provisioner.settle(&identity))
                .await
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(ProvisionError::unavailable(panic)))
    }

    async fn settle(&self, identity: &Identity) -> Result<Provisioned<User>, ProvisionError> {
        for attempt in 0..MAX_ATTEMPTS {
            // The request has read already; after a lost race the winner's row is there to read.
            if attempt > 0
                && let Some(found) = self.find(identity).await?
            {
                return Ok(found);
            }
            let candidate = match policy::linking_address(identity) {
                None => None,
                Some(address) => store::find_candidate(&self.db, identity, address, false).await?,
            };
            let holder = candidate.as_ref().map(|(_, holder)| holder);
            let decision = match policy::decide(identity, holder) {
                // Who holds the address may be the winner of the race for this very identity.
                Err(ProvisionError::Conflict) => {
                    let winner = self.find(identity).await?;
                    return winner.ok_or(ProvisionError::Conflict);
                }
                decided => decided?,
            };
            let written = match decision {
                Newcomer::Create => self.create(identity).await,
                Newcomer::Link => self.link(identity).await,
            };
            match written {
                Err(WriteError::LostRace) => {}
                Err(WriteError::Refused(error)) => return Err(error),
                Ok(provisioned) => return Ok(provisioned),
            }
        }
        let winner = self.find(identity).await?;
        winner.ok_or(ProvisionError::Conflict)
    }

    async fn create(&self, identity: &Identity) -> Result<Provisioned<User>, WriteError> {
        let address = policy::linking_address(identity);
        let blank = users::Model::new(identity.tenant());
        let user = users::Model {
            email: identity.email().map(|email| email.as_str().to_owned()),
            email_key: address.map(|email| email.key(identity.tenant())),
            email_verified_by: address.map(|_| format!("issuer:{}", identity.issuer())),
            full_name: identity.full_name().map(str::to_owned),
            username: identity.username().map(str::to_owned),
            last_seen_at: Some(blank.created_at),
            ..blank
        };
        let transaction = store::begin(&self.db).await?;
        if let Err(error) = store::insert_user(&transaction, identity, &user).await {
            // Before anything is read again; a dropped transaction is rolled back some time later.
            transaction.rollback().await?;
            return Err(error.into());
        }
        transaction.commit().await?;
        let roles = identity.roles().as_slice().iter().cloned();
        Ok(Provisioned::created(User::new(user, roles)))
    }

    /// Reads the candidate again under lock: it may have been deactivated, changed its address, or
    /// been linked to this very identity since the decision.
    async fn link(&self, identity: &Identity) -> Result<Provisioned<User>, WriteError> {
        let address = policy::linking_address(identity).ok_or(WriteError::LostRace)?;
        let transaction = store::begin(&self.db).await?;
        let locked = store::find_candidate(&transaction, identity, address, true).await?;
        let (user, candidate) = locked.ok_or(WriteError::LostRace)?;
        let decision = policy::decide(identity, Some(&candidate));
        if !matches!(decision, Ok(Newcomer::Link)) {
            return Err(WriteError::LostRace);
        }
        store::insert_identity(&transaction, identity, user.id, "linked").await?;
        transaction.commit().await?;
        let known = store::find(&self.db, &identity.key().to_string()).await?;
        let known = known.ok_or(WriteError::LostRace)?;
        let found = self.admit(identity, known).map_err(WriteError::Refused)?;
        let linked = Provisioned::linked(Arc::clone(found.user()));
        Ok(linked.with_tokens_valid_after(found.tokens_valid_after()))
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
        match store::is_lost_race(&error) {
            true => Self::LostRace,
            false => Self::Refused(error.into()),
        }
    }
}

impl From<DbErr> for ProvisionError {
    fn from(error: DbErr) -> Self {
        Self::unavailable(error)
    }
}

/// No code panics while it holds this lock.
fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[async_trait]
impl Provisioner for SeaOrmProvisioner {
    type User = User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<User>, ProvisionError> {
        match self.within_deadline(self.find(identity)).await? {
            Some(found) => Ok(found),
            None => self.join(identity).await,
        }
    }
}

impl fmt::Debug for SeaOrmProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeaOrmProvisioner")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
