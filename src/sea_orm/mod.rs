//! Users in a database, by sea-orm.
//!
//! [`SeaOrmProvisioner`] keeps users in five tables of this crate's ([`entity`]); with feature
//! `migration`, [`migration`] creates them. It runs on SQLite, PostgreSQL, MySQL and MariaDB; the
//! application chooses driver and runtime by sea-orm's own features.
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
//! A known user is one `SELECT` by a unique key and no write. An unknown identity is decided about
//! first, and written in a short transaction of its own, with plain `INSERT`s. A unique violation
//! means that somebody else was faster: the transaction is rolled back and the read is done again,
//! outside of it, at most four times. No upsert is used anywhere: MariaDB's has no conflict target
//! and hands out the row of whoever holds the same address.
//!
//! The write runs detached from the request, so a client that hangs up leaves no half user behind
//! and no error for the others. Reads and writes have a deadline each.
//!
//! # Administration
//!
//! What an operator does with users, one or thousands, is a [`directory`]'s: `users.directory()`.
//!
//! # Tables of the application's own
//!
//! A [`UserMapping`] puts the application's entities in the place of the bundled ones.
//! Rows that belong to a new user are a [`CreationHook`]'s, whatever the tables.

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
