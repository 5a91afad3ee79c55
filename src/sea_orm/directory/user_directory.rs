//! The directory and its settings.

use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use super::{
    super::{publisher::Publisher, sea_orm_provisioner::SeaOrmProvisioner},
    bounds,
    error::DirectoryError,
};
use crate::{principal::IdentityKey, provisioner::CachedProvisioner};

/// The default deadline of a read, and of the transaction of a batch.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// The number of users per transaction.
pub(super) const BATCH: usize = 100;

/// Reads and changes users of the bundled tables. See the [module docs](super).
///
/// Cheap to clone; a clone may get another tenant or another actor.
#[must_use]
#[derive(Clone)]
pub struct UserDirectory {
    pub(super) db: DatabaseConnection,
    pub(super) deadline: Duration,
    pub(super) tenant: Arc<str>,
    pub(super) actor: Option<Arc<str>>,
    pub(super) admin_role: Option<Arc<str>>,
    pub(super) is_dry_run: bool,
    pub(super) publisher: Option<Arc<dyn Publisher>>,
    /// Invalidates a user in this process's cache.
    pub(super) invalidate: Option<Arc<dyn Fn(IdentityKey) + Send + Sync>>,
}

impl SeaOrmProvisioner {
    /// Returns the directory of these users, for administration.
    ///
    /// If a [`CachedProvisioner`] wraps this provisioner, use [its
    /// directory](CachedProvisioner::directory): this one does not invalidate the cache.
    pub fn directory(&self) -> UserDirectory {
        UserDirectory {
            db: self.connection().clone(),
            deadline: DEADLINE,
            tenant: Arc::from(""),
            actor: None,
            admin_role: None,
            is_dry_run: false,
            publisher: self.publisher.clone(),
            invalidate: None,
        }
    }
}

impl CachedProvisioner<SeaOrmProvisioner> {
    /// Returns the directory of these users, for administration. Its changes invalidate this cache.
    pub fn directory(&self) -> UserDirectory {
        let users = self.clone();
        UserDirectory {
            invalidate: Some(Arc::new(move |key| users.invalidate(key))),
            ..self.provisioner().directory()
        }
    }
}

impl UserDirectory {
    /// Sets the actor that events and `users.status_source` record: an operator's id, a job's name.
    /// Cut to 128 bytes.
    pub fn acting_as(mut self, actor: &str) -> Self {
        self.actor = Some(bounds::cut(actor, bounds::MAX_ACTOR).into());
        self
    }

    /// Sets the tenant. Default: `""`, the tenant of services without tenants.
    pub fn in_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Arc::from(tenant);
        self
    }

    /// Protects the last active holder of this role. See the [module
    /// docs](super#the-last-administrator). Default: no role is protected.
    pub fn with_admin_role(mut self, role: &str) -> Self {
        self.admin_role = Some(Arc::from(role));
        self
    }

    /// Sets the deadline of a read, and of the transaction of a batch. Default: 10 seconds.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Makes every change a dry run: each transaction runs to its end and is rolled back, and the
    /// report states what it would have changed. It takes the same locks, batch by batch.
    pub fn dry_run(mut self) -> Self {
        self.is_dry_run = true;
        self
    }

    /// Rejects a tenant that no row can have.
    pub(super) fn check_tenant(&self) -> Result<(), DirectoryError> {
        match self.tenant.is_empty() || bounds::is_text(&self.tenant, bounds::MAX_TENANT) {
            true => Ok(()),
            false => Err(DirectoryError::invalid(
                "a tenant has at most 64 bytes and no control characters",
            )),
        }
    }
}

impl fmt::Debug for UserDirectory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserDirectory")
            .field("tenant", &self.tenant)
            .field("actor", &self.actor)
            .field("admin_role", &self.admin_role)
            .field("is_dry_run", &self.is_dry_run)
            .finish_non_exhaustive()
    }
}
