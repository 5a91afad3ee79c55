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

/// The default deadline of a read, and of a write.
const DEADLINE: Duration = Duration::from_secs(2);

/// The default number of concurrent writes.
const MAX_WRITES: usize = 16;

/// Provisioner that stores users in a database. See the [module docs](crate::sea_orm).
///
/// Cheap to clone. Clones share the limit on concurrent writes and the lock on limited sign-ups.
pub struct SeaOrmProvisioner<M: UserMapping = Bundled> {
    pub(super) db: DatabaseConnection,
    pub(super) mapping: Arc<M>,
    pub(super) deadline: Duration,
    pub(super) writes: Arc<Semaphore>,
    /// Held while a user of an issuer with limited sign-up is counted and created.
    pub(super) sign_ups: Arc<tokio::sync::Mutex<()>>,
    pub(super) last_seen_updates: Arc<Mutex<HashSet<IdentityKey>>>,
    pub(super) hook: Option<Arc<dyn CreationHook<M::Row>>>,
    pub(super) observer: Option<Arc<dyn Observer<M::Row>>>,
    pub(super) enricher: Option<Arc<dyn Enricher>>,
    #[cfg(feature = "directory")]
    pub(super) publisher: Option<Arc<dyn Publisher>>,
    pub(super) denials: Option<Arc<Denials>>,
}

impl SeaOrmProvisioner {
    /// Creates a provisioner over the bundled tables.
    #[must_use]
    pub fn new(db: DatabaseConnection) -> Self {
        Self::with_mapping(db, Bundled)
    }

    /// Records denials in `user_events`: event `denied` with the reason as its detail, and
    /// [`Uuid::nil`](uuid::Uuid::nil) as the user if the identity is unknown. At most one an hour
    /// per identity and reason, and at most `per_minute` a minute in all. Default: denials are not
    /// recorded.
    ///
    /// They are written in the background after the request, and skipped while all writes are busy.
    #[must_use]
    pub fn with_denial_events(mut self, per_minute: u32) -> Self {
        self.denials = Some(Arc::new(Denials::new(per_minute)));
        self
    }
}

#[cfg(feature = "directory")]
impl SeaOrmProvisioner {
    /// Sets a publisher. The [directory](crate::sea_orm::directory) publishes the identities of
    /// changed users in the transaction that changes them, so that other processes read these users
    /// again.
    #[must_use]
    pub fn with_publisher(mut self, publisher: impl Publisher) -> Self {
        self.publisher = Some(Arc::new(publisher));
        self
    }
}

impl<M: UserMapping> SeaOrmProvisioner<M> {
    /// Creates a provisioner over an application's own tables.
    #[must_use]
    pub fn with_mapping(db: DatabaseConnection, mapping: M) -> Self {
        Self {
            db,
            mapping: Arc::new(mapping),
            deadline: DEADLINE,
            writes: Arc::new(Semaphore::new(MAX_WRITES)),
            sign_ups: Arc::default(),
            last_seen_updates: Arc::default(),
            hook: None,
            observer: None,
            enricher: None,
            #[cfg(feature = "directory")]
            publisher: None,
            denials: None,
        }
    }

    /// Sets the deadline of a read, and of a write. Default: 2 seconds.
    #[must_use]
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Sets how many users may be created or updated concurrently; further writes wait, within the
    /// deadline. Default: 16. Keep it below the pool's size, or first requests starve other
    /// requests.
    #[must_use]
    pub fn with_max_writes(mut self, writes: usize) -> Self {
        self.writes = Arc::new(Semaphore::new(writes.max(1)));
        self
    }

    /// Adds a hook that writes the application's own rows in the transaction that creates a user.
    #[must_use]
    pub fn with_creation_hook(mut self, hook: impl CreationHook<M::Row>) -> Self {
        self.hook = Some(Arc::new(hook));
        self
    }

    /// Sets an observer of every user that is created, linked or updated.
    #[must_use]
    pub fn with_observer(mut self, observer: impl Observer<M::Row>) -> Self {
        self.observer = Some(Arc::new(observer));
        self
    }

    /// Sets an [`Enricher`], which adds attributes that the token does not state, once, when a user
    /// is created.
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

    async fn find_or_create(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<M::User>, ProvisionError> {
        admission::screen(identity)?;
        match self.within_deadline(self.find(identity)).await? {
            Some(known) => self.provision_known(identity, known).await,
            None => self.provision_unknown(identity).await,
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

    /// Runs a write in its own task, as one of a limited number: a cancelled request leaves no
    /// partial write.
    pub(super) async fn write<T, F>(
        &self,
        work: impl FnOnce(Self) -> F,
    ) -> Result<T, ProvisionError>
    where
        T: Send + 'static,
        F: Future<Output = Result<T, ProvisionError>> + Send + 'static,
    {
        let permit = self.write_permit().await?;
        let (work, provisioner) = (work(self.clone()), self.clone());
        let writing = tokio::spawn(async move {
            let _permit = permit;
            provisioner.within_deadline(work).await
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(ProvisionError::unavailable(panic)))
    }

    /// Waits for a permit to write, within the deadline.
    pub(super) async fn write_permit(&self) -> Result<OwnedSemaphorePermit, ProvisionError> {
        let acquired = Arc::clone(&self.writes).acquire_owned();
        let acquiring = async { acquired.await.map_err(ProvisionError::unavailable) };
        self.within_deadline(acquiring).await
    }

    /// Records a denial in the background. An outage is not a denial.
    fn record_denial(&self, identity: &Identity, error: &ProvisionError) {
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
        let provisioned = self.find_or_create(identity).await;
        if let Err(error) = &provisioned {
            self.record_denial(identity, error);
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
            sign_ups: Arc::clone(&self.sign_ups),
            last_seen_updates: Arc::clone(&self.last_seen_updates),
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
