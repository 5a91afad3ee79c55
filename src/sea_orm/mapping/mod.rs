//! The mapping of an application's own tables.

mod known_user;
mod link_candidate;
mod millis;
mod new_user;
mod user_mapping;

pub(super) use self::millis::millis;
pub use self::{
    known_user::KnownUser, link_candidate::LinkCandidate, new_user::NewUser,
    user_mapping::UserMapping,
};
