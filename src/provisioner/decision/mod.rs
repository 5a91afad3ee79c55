//! Pure decisions about an identity: whether it is admitted, and what its token changes.
//!
//! A [`Provisioner`](super::Provisioner) reads its store, calls these functions, and writes what
//! they return. Nothing here waits or writes, so every refusal is decided before the first write,
//! and the rules are tested without a database.
//!
//! The order is fixed: the [access rules](admission::screen) of the issuer; for a known identity
//! its [status, kind and revocation](admission::admit), for an unknown identity [linking or
//! sign-up](newcomer::decide); then [roles] and [profile](profile_state).

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
mod standing;
mod user_status;

pub use self::{
    linking::Candidate, profile::Profile, profile_state::ProfileState, role_grant::RoleGrant,
    sign_up_counts::SignUpCounts, standing::Standing, user_status::UserStatus,
};
