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
//!   this process. With a [`Publisher`](crate::bus::Publisher) the other processes hear of it from the
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
