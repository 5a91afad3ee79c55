//! Creates the bundled tables.
//!
//! [`run`] is for an application without migrations of its own: it takes a lock first, so that
//! several replicas may start at once on an empty database. It keeps its record in a table of its
//! own, `tower_jit_provisioning_migrations`.
//!
//! An application with a `Migrator` splices them into it, [all] or one by one
//! (`CreateUsers::default()`), in this order, never renames or removes one that has run, and may run
//! it under the same lock with [`run_migrator`]:
//!
//! ```
//! use sea_orm_migration::{MigrationTrait, MigratorTrait};
//! use tower_jit_provisioning::sea_orm::migration;
//!
//! struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         let mut migrations = migration::all();
//!         migrations.extend([/* the application's own */]);
//!         migrations
//!     }
//! }
//! # assert_eq!(Migrator::migrations()[0].name(), "tower_jit_provisioning_0001_users");
//! ```
//!
//! Order is the order of the list; nothing sorts by name. `MigratorTrait::fresh` drops every table
//! of the database, whoever created it.
//!
//! An application that keeps [its own users](super::UserMapping) takes none of these, but
//! [`AddIdentityColumns`] or [`CreateIdentities`], and [`AllowUsersWithoutPassword`] if everybody had
//! a password so far:
//!
//! ```
//! use sea_orm::sea_query::ColumnType;
//! use sea_orm_migration::{MigrationTrait, MigratorTrait};
//! use tower_jit_provisioning::sea_orm::migration::{AllowUsersWithoutPassword, CreateIdentities};
//!
//! struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         vec![
//!             /* the application's own, which created `accounts` */
//!             Box::new(AllowUsersWithoutPassword::of("accounts", "hashed_password")),
//!             Box::new(CreateIdentities::beside("accounts", "id", ColumnType::Integer)),
//!         ]
//!     }
//! }
//! # assert_eq!(Migrator::migrations()[1].name(), "tower_jit_provisioning_accounts_identities");
//! ```

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

mod additions;
mod columns;
mod definition;
mod own_tables;
mod runner;
mod sqlite;
mod tables;
mod without_password;

use sea_orm_migration::MigrationTrait;

pub use self::{
    additions::{
        CreateLinkTickets, ExtendUserEvents, ExtendUserIdentities, ExtendUsers, IndexRoleGrants,
    },
    own_tables::{AddIdentityColumns, CreateIdentities},
    runner::{run, run_migrator},
    tables::{CreateRoleGrants, CreateUserEvents, CreateUserIdentities, CreateUsers},
    without_password::AllowUsersWithoutPassword,
};

/// Returns every migration, in order.
#[must_use]
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(CreateUsers),
        Box::new(CreateUserIdentities),
        Box::new(CreateRoleGrants),
        Box::new(CreateUserEvents),
        Box::new(ExtendUsers),
        Box::new(ExtendUserIdentities),
        Box::new(ExtendUserEvents),
        Box::new(CreateLinkTickets),
        Box::new(IndexRoleGrants),
    ]
}
