//! What an administrator's page or a nightly job does with users.
//!
//! ```no_run
//! use sea_orm::Database;
//! use tower_jit_provisioning::{
//!     CachedProvisioner, UserStatus,
//!     sea_orm::{
//!         SeaOrmProvisioner,
//!         directory::{DirectoryError, IdleUsers, PageRequest, UserFilter},
//!     },
//! };
//! # use uuid::Uuid;
//!
//! # async fn run(leaver: Uuid) -> Result<(), Box<dyn std::error::Error>> {
//! let db = Database::connect("sqlite://users.sqlite?mode=rwc").await?;
//! let users = CachedProvisioner::new(SeaOrmProvisioner::new(db));
//! let directory = users.directory().acting_as("root").with_admin_role("admin");
//!
//! // Refused from the next request on, whatever its tokens say.
//! directory.deactivate(&[leaver], "left the company").await?.into_result()?;
//!
//! // Whoever waits for approval, fifty at a time.
//! let waiting = UserFilter::new().with_status(UserStatus::Pending);
//! let page = directory.list(&waiting, PageRequest::first(50)).await?;
//! let ids: Vec<Uuid> = page.items.iter().map(|record| record.user.id).collect();
//! directory.approve(&ids).await?;
//!
//! // Looks first, and leaps then.
//! let idle = IdleUsers::for_days(180);
//! let would_go = directory.clone().dry_run().deactivate_idle(&idle).await?;
//! if would_go.changed() < 20 {
//!     directory.deactivate_idle(&idle).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # What every change keeps to
//!
//! * A list of any length is worked in transactions of at most 100 users each, with a deadline each
//!   (10 seconds by default). A user named twice is worked once.
//! * The users' rows are locked in the order of their ids before anything is decided, so two
//!   operators who do the same at once leave one change and one event.
//! * The [`Report`] says of every user whether it was changed, was so already, was refused and why, or
//!   is not in this tenant. Each changed user gets one row in `user_events`: ids, the actor, and the
//!   operator's words or the role's name, cut to 255 bytes. Keep personal data out of reasons.
//! * A call that is dropped finishes the transaction under way and starts no other. One that fails
//!   half way tells what was done before ([`DirectoryError::report`]).
//! * A directory of [`CachedProvisioner::directory`] forgets what it changed, after the commit and in
//!   this process. With a [`Publisher`] the other processes hear of it from the
//!   transaction itself; without one they notice within their cache's TTL.
//! * Nothing reaches beyond one tenant: `""`, the one of services without tenants, or
//!   [`in_tenant`](UserDirectory::in_tenant)'s. Somebody else's users are not found.
//!
//! Deactivating, deleting and revoking declare void every token issued until now, and no change ever
//! takes that back: who is reactivated comes with a fresh token.
//!
//! # The last administrator
//!
//! With [`with_admin_role`](UserDirectory::with_admin_role) the last active holder of that role in a
//! tenant cannot be deactivated, deleted or lose it. Both kinds of grant are protected, but they do
//! not count alike: an issuer may take its role back at any time without asking here, so whoever holds
//! it by an operator's grant is replaceable only by another who does, and whoever holds it by an
//! issuer's by any holder. What an issuer's token takes away is not under this guard.

mod administrators;
mod bounds;
mod change;
mod error;
mod event;
mod event_filter;
mod filter;
mod idle;
mod import;
mod imported_user;
mod link;
mod locked;
mod moving;
mod page;
mod profile;
mod reading;
mod record;
mod relink;
mod removal;
mod report;
mod retention;
mod roles;
mod status;
mod tokens;
mod transaction;

use std::{fmt, sync::Arc, time::Duration};

use sea_orm::DatabaseConnection;

pub use self::{
    error::{DirectoryError, DirectoryErrorKind},
    event_filter::EventFilter,
    filter::UserFilter,
    idle::IdleUsers,
    imported_user::ImportedUser,
    link::NewIdentity,
    page::{Page, PageRequest},
    profile::ProfileEdit,
    record::UserRecord,
    relink::Relink,
    report::{Effect, Refusal, Report, ReportEntry},
};
use super::{SeaOrmProvisioner, publisher::Publisher};
use crate::{principal::IdentityKey, provisioner::CachedProvisioner};

/// How long a transaction of a batch, or a read, may take.
const DEADLINE: Duration = Duration::from_secs(10);

/// How many users one transaction works.
const BATCH: usize = 100;

/// Reads and changes the users of the bundled tables. See the [module docs](self).
///
/// Cheap to clone; a clone can be given another tenant or another actor.
#[must_use]
#[derive(Clone)]
pub struct UserDirectory {
    db: DatabaseConnection,
    deadline: Duration,
    tenant: Arc<str>,
    actor: Option<Arc<str>>,
    admin_role: Option<Arc<str>>,
    is_dry_run: bool,
    publisher: Option<Arc<dyn Publisher>>,
    forget: Option<Arc<Forget>>,
}

/// Forgets a user in this process.
type Forget = dyn Fn(IdentityKey) + Send + Sync;

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

    /// Protects the last active holder of this role. See the [module docs](self#the-last-administrator).
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
