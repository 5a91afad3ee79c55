//! Who may become a user, and what a token changes of one: decisions only, no I/O.
//!
//! A [`Provisioner`](super::Provisioner) reads what its store knows, asks here, and does what it is
//! told. Because nothing in here waits or writes, every refusal is decided before the first write,
//! and the rules can be tested without a database.
//!
//! The order is fixed: the token's [access rules](admission::screen); a known identity's
//! [status, kind and revocation](admission::admit); an unknown one's [link or
//! sign-up](newcomer::decide); [roles]; [profile].

pub(crate) mod admission;
pub(crate) mod newcomer;
pub(crate) mod profile;
#[cfg(test)]
mod properties;
pub(crate) mod roles;
mod status;

pub use self::{
    newcomer::SignUpCounts,
    profile::{Profile, ProfileState},
    roles::RoleGrant,
    status::UserStatus,
};
