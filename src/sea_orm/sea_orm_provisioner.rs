//! The provisioner over a database.

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

#[cfg(feature = "directory")]
use super::publisher::Publisher;
use super::{
    bundled::Bundled,
    denials::{self, Denials},
    hook::{CreationHook, Observer},
    mapping::UserMapping,
};
use crate::{
    error::ProvisionError,
    identity::Identity,
    principal::IdentityKey,
    provisioner::{Enricher, Provisioned, Provisioner, decision::admission},
};

/// How long a read, and how long a write, may take.
const DEADLINE: Duration = Duration::from_secs(2);

/// How many users may be written at once.
const MAX_WRITES: usize = 16;

/// Finds or creates users in a database. See the [module docs](crate::sea_orm).
///
/// Cheap to clone; clones share the bound on writes and take an issuer's limited places in turn.
pub struct SeaOrmProvisioner<M: UserMapping = Bundled> {
    pub(super) db: DatabaseConnection,
    pub(super) mapping: Arc<M>,
    pub(super) deadline: Duration,
    pub(super) writes: Arc<Semaphore>,
    /// Held by whoever takes a place of an issuer that has limited ones.
    pub(super) places: Arc<tokio::sync::Mutex<()>>,
    pub(super) touching: Arc<Mutex<HashSet<IdentityKey>>>,
    pub(super) hook: Option<Arc<dyn CreationHook<M::Row>>>,
    pub(super) observer: Option<Arc<dyn Observer<M::Row>>>,
    pub(super) enricher: Option<Arc<dyn Enricher>>,
    #[cfg(feature = "directory")]
    pub(super) publisher: Option<Arc<dyn Publisher>>,
    pub(super) denials: Option<Arc<Denials>>,
}

impl SeaOrmProvisioner {
    /// Uses the bundled tables behind a connection.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self::with_mapping(db, Bundled)
    }

    /// Writes denials into `user_events`: `denied`, with the reason as its detail, and with
    /// [`Uuid::nil`] where the identity is no user's. At most one an hour of one identity and reason,
    /// and at most so many a minute in all. Default: none.
    ///
    /// They are written after the answer, and not while the store is busy.
    #[must_use]
    pub fn with_denial_events(mut self, per_minute: u32) -> Self {
        self.denials = Some(Arc::new(Denials::new(per_minute)));
        self
    }
}

#[cfg(feature = "directory")]
impl SeaOrmProvisioner {
    /// Tells other processes whom to read again, in the transaction that changes a user.
    #[must_use]
    pub fn with_publisher(mut self, publisher: impl Publisher) -> Self {
        self.publisher = Some(Arc::new(publisher));
        self
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
            #[cfg(feature = "directory")]
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

    pub(super) async fn within_deadline<T>(
        &self,
        work: impl Future<Output = Result<T, ProvisionError>> + Send,
    ) -> Result<T, ProvisionError> {
        timeout(self.deadline, work)
            .await
            .unwrap_or_else(|elapsed| Err(ProvisionError::unavailable(elapsed)))
    }

    /// Writes on a task of its own, and among a bounded number of them: a client that hangs up
    /// leaves nothing half done.
    pub(super) async fn write<T, F>(
        &self,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, ProvisionError>
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
    pub(super) async fn turn(&self) -> Result<OwnedSemaphorePermit, ProvisionError> {
        let acquired = Arc::clone(&self.writes).acquire_owned();
        let acquiring = async { acquired.await.map_err(ProvisionError::unavailable) };
        self.within_deadline(acquiring).await
    }

    /// Notes in the background that an identity was denied. An outage is no denial.
    fn note_denial(&self, identity: &Identity, error: &ProvisionError) {
        let reason = match error {
            ProvisionError::Unavailable(_) => return,
            ProvisionError::Conflict | ProvisionError::Denied(_) | ProvisionError::Revoked => {
                error.reason()
            }
        };
        let Some(denials) = &self.denials else {
            return;
        };
        let Ok(permit) = Arc::clone(&self.writes).try_acquire_owned() else {
            return;
        };
        if !denials.admit(identity.key(), reason) {
            return;
        }
        let (this, identity) = (self.clone(), identity.clone());
        tokio::spawn(async move {
            let _permit = permit;
            let writing = async { Ok(denials::record(&this.db, &identity, reason).await?) };
            if let Err(error) = this.within_deadline(writing).await {
                tracing::warn!(%error, reason, "a denial was not recorded");
            }
        });
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
            #[cfg(feature = "directory")]
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
