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
//! of the database, including those of other owners.
//!
//! An application that keeps [its own users](super::UserMapping) takes none of these but
//! [`CreateIdentities`]. Where everybody had a password so far, a migration of the application's own
//! makes that column nullable first: the [guide](crate::guide::existing_users) has the statement.
//!
//! ```
//! use sea_orm::sea_query::ColumnType;
//! use sea_orm_migration::{MigrationTrait, MigratorTrait};
//! use tower_jit_provisioning::sea_orm::migration::CreateIdentities;
//!
//! struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         vec![
//!             /* the application's own, which created `accounts` */
//!             Box::new(CreateIdentities::beside("accounts", "id", ColumnType::Integer)),
//!         ]
//!     }
//! }
//! # assert_eq!(Migrator::migrations()[0].name(), "tower_jit_provisioning_accounts_identities");
//! ```
//!
//! Digests are `varchar(64)`, never `char(64)`: a bound string is `text` to PostgreSQL, which compares
//! a `char(n)` with it by casting every row of the column, and no index serves that.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

mod columns;
mod own_tables;
mod runner;
mod tables;

pub use self::{
    own_tables::CreateIdentities,
    runner::{run, run_migrator},
    tables::{
        CreateLinkTickets, CreateRoleGrants, CreateUserEvents, CreateUserIdentities, CreateUsers,
        all,
    },
};
