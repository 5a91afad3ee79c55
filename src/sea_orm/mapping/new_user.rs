//! What a mapping is told of a user to create.

use crate::{
    identity::Identity,
    provisioner::decision::{Profile, UserStatus},
};

/// A user to create.
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

    /// Returns whose user it is.
    #[must_use]
    pub fn identity(&self) -> &'a Identity {
        self.identity
    }

    /// Returns the status: active, or pending where the policy asks for approval.
    #[must_use]
    pub fn status(&self) -> UserStatus {
        self.status
    }

    /// Returns what the policy takes from the token.
    #[must_use]
    pub fn profile(&self) -> &Profile {
        &self.profile
    }
}
