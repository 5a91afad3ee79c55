//! Administration of users, for an administrator's page or a scheduled job.
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
//! // Refused from the next request on, whatever the tokens state.
//! directory.deactivate(&[leaver], "left the company").await?.into_result()?;
//!
//! // The users that wait for approval, fifty per page.
//! let waiting = UserFilter::new().with_status(UserStatus::Pending);
//! let page = directory.list(&waiting, PageRequest::first(50)).await?;
//! let ids: Vec<Uuid> = page.items.iter().map(|record| record.user.id).collect();
//! directory.approve(&ids).await?;
//!
//! // A dry run first.
//! let idle = IdleUsers::for_days(180);
//! let would_go = directory.clone().dry_run().deactivate_idle(&idle).await?;
//! if would_go.changed() < 20 {
//!     directory.deactivate_idle(&idle).await?;
//! }
//! # Ok(())
//! # }
//! ```
//!
//! # Guarantees of every change
//!
//! * A list of any length is processed in transactions of at most 100 users, each with a deadline
//!   (10 seconds by default). Duplicates in a list are processed once.
//! * Users' rows are locked in the order of their ids before anything is decided, so two operators
//!   who make the same change at once cause one change and one event.
//! * The [`Report`] states for every user whether it was changed, needed no change, was refused and
//!   why, or is not in this tenant. Each changed user gets one row in `user_events`: ids, the
//!   actor, and the operator's reason or the role's name, cut to 255 bytes. Keep personal data out
//!   of reasons.
//! * A call whose future is dropped finishes the running transaction and starts no other. A call
//!   that fails part way reports what was done before ([`DirectoryError::report`]).
//! * A directory of [`CachedProvisioner::directory`](crate::CachedProvisioner::directory)
//!   invalidates changed users in this process, after the commit. With a
//!   [`Publisher`](crate::bus::Publisher) the transaction itself notifies other processes; without
//!   one they notice within their cache's TTL.
//! * No call reaches beyond one tenant: `""`, the tenant of services without tenants, or the tenant
//!   of [`in_tenant`](UserDirectory::in_tenant). Users of other tenants are not found.
//!
//! Deactivation, deletion and revocation void every token issued so far, and no later change
//! reverses that: a reactivated user needs a new token.
//!
//! # The last administrator
//!
//! With [`with_admin_role`](UserDirectory::with_admin_role) the last active holder of that role in
//! a tenant cannot be deactivated, deleted or deprived of it. Operators' and issuers' grants are
//! both protected but do not count alike, because an issuer may withdraw its role at any time
//! without this check: a holder by an operator's grant can be replaced only by another such holder,
//! a holder by an issuer's grant by any holder. The guard does not cover roles that an issuer's
//! token withdraws.

mod administrators;
mod bounds;
mod change;
mod error;
mod events;
mod filter;
mod idle;
mod import;
mod imported_user;
mod link;
mod locked;
mod moving;
mod new_identity;
mod page;
mod profile;
mod reading;
mod record;
mod relink;
mod removal;
mod report;
mod roles;
mod status;
mod tokens;
mod transaction;
mod user_directory;

pub use self::{
    error::{DirectoryError, DirectoryErrorKind},
    events::EventFilter,
    filter::UserFilter,
    idle::IdleUsers,
    imported_user::ImportedUser,
    new_identity::NewIdentity,
    page::{Page, PageRequest},
    profile::ProfileEdit,
    record::UserRecord,
    relink::Relink,
    report::{Effect, Refusal, Report, ReportEntry},
    user_directory::UserDirectory,
};
