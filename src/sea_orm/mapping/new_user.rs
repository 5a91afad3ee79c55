//! A user for a mapping to create.

use crate::{
    identity::Identity,
    provisioner::decision::{Profile, UserStatus},
};

/// A user to create, as the policy decided.
#[derive(Debug)]
pub struct NewUser<'a> {
    identity: &'a Identity,
    status: UserStatus,
    profile: Profile,
}

impl<'a> NewUser<'a> {
    pub(in crate::sea_orm) fn new(
        identity: &'a Identity,
        status: UserStatus,
        profile: Profile,
    ) -> Self {
        Self {
            identity,
            status,
            profile,
        }
    }

    /// Returns the identity of the new user.
    #[must_use]
    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// Returns the status: active, or pending if the policy requires approval.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        self.status
    }

    /// Returns the profile that the policy takes from the token.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}
