//! The directory, and what each of its calls is bound to.

use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

use super::{
    super::{publisher::Publisher, sea_orm_provisioner::SeaOrmProvisioner},
    bounds,
    error::DirectoryError,
};
use crate::{principal::IdentityKey, provisioner::CachedProvisioner};

/// How long a transaction of a batch, or a read, may take.
pub(super) const DEADLINE: Duration = Duration::from_secs(10);

/// How many users one transaction works.
pub(super) const BATCH: usize = 100;

/// Reads and changes the users of the bundled tables. See the [module docs](super).
///
/// Cheap to clone; a clone can be given another tenant or another actor.
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
    /// Forgets a user in this process.
    pub(super) forget: Option<Arc<dyn Fn(IdentityKey) + Send + Sync>>,
}

impl SeaOrmProvisioner {
    /// Returns the directory of these users, for administration.
    ///
    /// Behind a [`CachedProvisioner`] use [its own](CachedProvisioner::directory), or the cache does
    /// not hear of changes.
    pub fn directory(&self) -> UserDirectory {
        UserDirectory {
            db: self.connection().clone(),
            deadline: DEADLINE,
            tenant: Arc::from(""),
            actor: None,
            admin_role: None,
            is_dry_run: false,
            publisher: self.publisher.clone(),
            forget: None,
        }
    }
}

impl CachedProvisioner<SeaOrmProvisioner> {
    /// Returns the directory of these users, for administration; what it changes is forgotten here.
    pub fn directory(&self) -> UserDirectory {
        let users = self.clone();
        UserDirectory {
            forget: Some(Arc::new(move |key| users.invalidate(key))),
            ..self.provisioner().directory()
        }
    }
}

impl UserDirectory {
    /// Names who acts, in the events and beside the status: an operator's id, a job's name. At most
    /// 128 bytes; the rest is cut.
    pub fn acting_as(mut self, actor: &str) -> Self {
        self.actor = Some(bounds::cut(actor, bounds::MAX_ACTOR).into());
        self
    }

    /// Chooses the tenant. Default: `""`, the one of services without tenants.
    pub fn in_tenant(mut self, tenant: &str) -> Self {
        self.tenant = Arc::from(tenant);
        self
    }

    /// Protects the last active holder of this role. See the [module docs](super#the-last-administrator).
    /// Default: none.
    pub fn with_admin_role(mut self, role: &str) -> Self {
        self.admin_role = Some(Arc::from(role));
        self
    }

    /// Bounds how long a read, and how long the transaction of a batch, may take. Default: 10 seconds.
    pub fn with_deadline(mut self, deadline: Duration) -> Self {
        self.deadline = deadline;
        self
    }

    /// Changes nothing: every transaction runs to its end and is then rolled back, and the report
    /// tells what it would have done. Takes the same locks, batch by batch.
    pub fn dry_run(mut self) -> Self {
        self.is_dry_run = true;
        self
    }

    /// Refuses a tenant that no row can have.
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
