//! Users in a database, through sea-orm.
//!
//! [`SeaOrmProvisioner`] keeps users in the five tables of [`entity`]; [`migration`] (feature
//! `migration`) creates them. SQLite, PostgreSQL, MySQL and MariaDB are supported. The application
//! chooses the driver and the runtime with sea-orm's own features.
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
//! A known user costs one `SELECT` by a unique key and no write. For an unknown identity, the
//! policy decides first; then a short transaction writes the user with plain `INSERT`s. A unique
//! violation means that a concurrent request created the user: the provisioner rolls back and reads
//! again outside of the transaction, at most four times. No statement is an upsert: MariaDB's
//! upsert has no conflict target and would return the row of another user with the same address.
//!
//! Writes run in their own task, so a cancelled request leaves no partial user and causes no error
//! for concurrent requests. Each read and each write has a deadline.
//!
//! # Administration
//!
//! [`directory`] (feature `directory`) has the operations of an operator, on one user or on
//! thousands: `users.directory()`.
//!
//! # The application's own tables
//!
//! A [`UserMapping`] replaces the bundled entities by the application's. A [`CreationHook`] inserts
//! the rows that belong to a new user, with either kind of tables.

mod bundled;
mod denials;
#[cfg(feature = "directory")]
pub mod directory;
mod drift;
pub mod entity;
mod explain;
mod hook;
mod issuer_key;
mod known;
mod mapping;
#[cfg(feature = "migration")]
pub mod migration;
mod newcomer;
#[cfg(feature = "postgres-bus")]
pub(crate) mod postgres_bus;
pub(crate) mod publisher;
mod sea_orm_provisioner;
mod store;
mod user;

pub use self::{
    bundled::Bundled,
    drift::{CheckError, Drift, DriftKind},
    hook::{CreationHook, Observer},
    issuer_key::issuer_key,
    mapping::{KnownUser, LinkCandidate, NewUser, UserMapping},
    sea_orm_provisioner::SeaOrmProvisioner,
    user::User,
};
