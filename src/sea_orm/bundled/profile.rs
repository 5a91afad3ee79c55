//! The profile in a user's row.

use super::super::entity::users;
use crate::{policy::Attribute, provisioner::decision::Profile};

pub(super) fn profile_of(user: &users::Model) -> Profile {
    Profile {
        email: user.email.clone(),
        email_key: user.email_key.clone(),
        email_verified_by: user.email_verified_by.clone(),
        full_name: user.full_name.clone(),
        username: user.username.clone(),
    }
}

pub(super) fn with_profile(user: users::Model, profile: Profile) -> users::Model {
    users::Model {
        email: profile.email,
        email_key: profile.email_key,
        email_verified_by: profile.email_verified_by,
        full_name: profile.full_name,
        username: profile.username,
        ..user
    }
}

/// What the user edited here.
pub(super) fn local_attributes(user: &users::Model) -> Vec<Attribute> {
    let labels = user.local_attributes.split(',');
    labels.filter_map(Attribute::parse).collect()
}
