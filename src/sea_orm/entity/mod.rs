//! The entities of the bundled tables.
//!
//! An application may join its own tables to these and read them freely. Its writes must keep these
//! rules: `email_key` is set only while the address is verified and is its [`Email::key`],
//! `identity_key` is an [`IdentityKey`] in hexadecimal, times are in UTC with microseconds.
//!
//! [`Email::key`]: crate::Email::key
//! [`IdentityKey`]: crate::IdentityKey
#![expect(
    clippy::exhaustive_enums,
    clippy::exhaustive_structs,
    reason = "sea-orm's derives need plain structs, and a new column is a new migration"
)]
#![allow(missing_docs, reason = "sea-orm's derives generate undocumented items")]

pub mod link_tickets;
mod now;
pub mod role_grants;
pub mod user_events;
pub mod user_identities;
pub mod users;

pub use self::now::now;
