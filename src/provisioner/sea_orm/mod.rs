//! Users in a database, by sea-orm.
//!
//! [`SeaOrmProvisioner`] keeps users in five tables of this crate's ([`entity`]); with feature
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
//!
//! # Administration
//!
//! What an operator does with users, one or thousands, is a [`directory`]'s: `users.directory()`.
//!
//! # Tables of the application's own
//!
//! A [`UserMapping`] puts the application's entities in the place of the bundled ones; see
//! [`mapping`]. Rows that belong to a new user are a [`CreationHook`]'s, whatever the tables.

mod bundled;
mod denials;
pub mod directory;
pub mod drift;
pub mod entity;
mod hook;
mod known;
pub mod mapping;
#[cfg(feature = "migration")]
pub mod migration;
mod newcomer;
#[cfg(feature = "postgres-bus")]
pub mod postgres_bus;
mod publisher;
mod store;
mod user;

use std::{
    collections::HashSet,
    fmt,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use sea_orm::DatabaseConnection;
use tokio::{
    sync::{OwnedSemaphorePermit, Semaphore},
    time::timeout,
};

use self::denials::Denials;
#[cfg(feature = "postgres-bus")]
pub use self::postgres_bus::{PostgresBus, PostgresPublisher};
pub use self::{
    bundled::Bundled,
    drift::{CheckError, Drift, DriftKind},
    hook::{CreationHook, Observer},
    mapping::{Holder, KnownUser, NewUser, UserMapping},
    publisher::Publisher,
    user::User,
};
use super::{Enricher, ProvisionError, Provisioned, Provisioner, policy::admission};
pub use crate::identity::issuer_key;
use crate::identity::{Identity, IdentityKey};

/// How long a read, and how long a write, may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many users may be written at once.
const MAX_WRITES: usize = 16;

/// Finds or creates users in a database. See the [module docs](self).
///
/// Cheap to clone; clones share the bound on writes and take an issuer's limited places in turn.
pub struct SeaOrmProvisioner<M: UserMapping = Bundled> {
    db: DatabaseConnection,
    mapping: Arc<M>,
    deadline: Duration,
    writes: Arc<Semaphore>,
    /// Held by whoever takes a place of an issuer that has limited ones.
    places: Arc<tokio::sync::Mutex<()>>,
    touching: Arc<Mutex<HashSet<IdentityKey>>>,
    hook: Option<Arc<dyn CreationHook<M::Row>>>,
    observer: Option<Arc<dyn Observer<M::Row>>>,
    enricher: Option<Arc<dyn Enricher>>,
    publisher: Option<Arc<dyn Publisher>>,
    denials: Option<Arc<Denials>>,
}

impl SeaOrmProvisioner {
    /// Uses the bundled tables behind a connection.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self::with_mapping(db, Bundled)
    }
}

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Uses an application's own tables.
    #[must_use]
    pub fn with_mapping(db: DatabaseConnection, mapping: M) -> Self {
        Self {
            db,
            mapping: Arc::new(mapping),
            deadline: DEADLINE,
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            places: Arc::default(),
            touching: Arc::default(),
            hook: None,
            observer: None,
            enricher: None,
            publisher: None,
            denials: None,
        }
    }

    /// Bounds how long a read, and how long a write, may take. Default: 2 seconds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Bounds how many users may be created or updated at once; further ones wait, within the
    /// deadline. Default: 16. Keep it below the pool's size, or first requests starve the others.
    #[must_use]
    pub fn with_max_writes(mut self, writes: usize) -> Self {
        self.writes = Arc::new(Semaphore::new(writes.max(1)));
        self
    }

    /// Writes the application's own rows in the transaction that creates a user.
    #[must_use]
    pub fn with_creation_hook(mut self, hook: impl CreationHook<M::Row>) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Tells somebody of every user that was created, linked or updated.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer<M::Row>) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Asks an [`Enricher`] for what the token does not say, once, when a user is created.
    #[must_use]
    pub fn with_enricher(mut self, enricher: impl Enricher) -> Self {
        self.enricher = Some(Arc::new(enricher));
        self
    }

    /// Tells other processes whom to read again, in the transaction that changes a user.
    #[must_use]
    pub fn with_publisher(mut self, publisher: impl Publisher) -> Self {
        self.publisher = Some(Arc::new(publisher));
        self
    }

    /// Returns the connection.
    #[must_use]
    pub fn connection(&self) -> &DatabaseConnection {
        &self.db
    }

    /// Returns the mapping.
    #[must_use]
    pub fn mapping(&self) -> &M {
        &self.mapping
    }

    async fn admit_or_join(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        admission::screen(identity)?;
        match self.within_deadline(self.find(identity)).await? {
            Some(known) => self.enter(identity, known).await,
            None => self.join(identity).await,
        }
    }

    async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, ProvisionError>> + Send,
    ) -> Result<T, ProvisionError> {
        timeout(self.deadline, work)
            .await
            .unwrap_or_else(|elapsed| Err(ProvisionError::unavailable(elapsed)))
    }

    /// Writes on a task of its own, and among a bounded number of them: a client that hangs up
    /// leaves nothing half done.
    async fn write<T, F>(&self, work: impl FnOnce(Self) -> F) -> Result<T, ProvisionError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ProvisionError>> + Send + 'static,
    {
        let permit = self.turn().await?;
        let (work, provisioner) = (work(self.clone()), self.clone());
        let writing = tokio::spawn(async move {
            let _permit = permit;
            provisioner.within_deadline(work).await
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(ProvisionError::unavailable(panic)))
    }

    /// Waits until there may be one more write.
    async fn turn(&self) -> Result<OwnedSemaphorePermit, ProvisionError> {
        let acquired = Arc::clone(&self.writes).acquire_owned();
        let acquiring = async { acquired.await.map_err(ProvisionError::unavailable) };
        self.within_deadline(acquiring).await
    }
}

#[async_trait]
impl<M: UserMapping> Provisioner for SeaOrmProvisioner<M> {
    type User = M::User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<M::User>, ProvisionError> {
        let provisioned = self.admit_or_join(identity).await;
        if let Err(error) = &provisioned {
            self.note_denial(identity, error);
        }
        provisioned
    }
}

impl<M: UserMapping> Clone for SeaOrmProvisioner<M> {
    fn clone(&self) -> Self {
        Self {
            db: self.db.clone(),
            mapping: Arc::clone(&self.mapping),
            deadline: self.deadline,
            writes: Arc::clone(&self.writes),
            places: Arc::clone(&self.places),
            touching: Arc::clone(&self.touching),
            hook: self.hook.clone(),
            observer: self.observer.clone(),
            enricher: self.enricher.clone(),
            publisher: self.publisher.clone(),
            denials: self.denials.clone(),
        }
    }
}

impl<M: UserMapping> fmt::Debug for SeaOrmProvisioner<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SeaOrmProvisioner")
            .field("deadline", &self.deadline)
            .finish_non_exhaustive()
    }
}
