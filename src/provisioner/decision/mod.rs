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
pub(crate) mod linking;
pub(crate) mod newcomer;
mod profile;
pub(crate) mod profile_state;
#[cfg(test)]
mod properties;
mod role_grant;
pub(crate) mod roles;
pub(crate) mod sign_up;
mod sign_up_counts;
mod user_status;

pub use self::{
    profile::Profile, profile_state::ProfileState, role_grant::RoleGrant,
    sign_up_counts::SignUpCounts, user_status::UserStatus,
};
