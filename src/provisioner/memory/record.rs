//! A user in memory.

use super::{known_identity::KnownIdentity, memory_user::MemoryUser};
use crate::{
    identity::Identity,
    principal::IdentityKey,
    provisioner::{
        decision::{Profile, ProfileState, RoleGrant, Standing, UserStatus, roles},
        outcome::Outcome,
        provisioned::Provisioned,
    },
};

/// A user.
pub(super) struct Record {
    id: u64,
    tenant: String,
    pub(super) profile: Profile,
    /// The identity whose tokens update the profile.
    owner: IdentityKey,
    pub(super) status: UserStatus,
    pub(super) grants: Vec<RoleGrant>,
    pub(super) tokens_valid_after: Option<i64>,
}

impl Record {
    pub(super) fn new(id: u64, identity: &Identity, status: UserStatus) -> Self {
        Self {
            id,
            tenant: identity.tenant().to_owned(),
            profile: Profile::of_newcomer(identity),
            owner: identity.key(),
            status,
            grants: Vec::new(),
            tokens_valid_after: None,
        }
    }

    /// Revokes the tokens issued until `instant`. A revoked token stays revoked.
    pub(super) fn revoke(&mut self, instant: i64) {
        self.tokens_valid_after = self.tokens_valid_after.max(Some(instant));
    }

    pub(super) fn snapshot(&self, known: &KnownIdentity) -> Standing {
        Standing::new(self.status, known.kind).with_tokens_valid_after(self.tokens_valid_after)
    }

    pub(super) fn profile_state(&self, identity: &Identity, known: &KnownIdentity) -> ProfileState {
        ProfileState {
            is_owner: self.owner == identity.key(),
            issued_at: known.profile_issued_at,
            fingerprint: Some(known.fingerprint.clone()),
        }
    }

    /// Replaces the grants of the token's issuer by the roles of the token.
    pub(super) fn replace_grants(&mut self, identity: &Identity) {
        let source = RoleGrant::source_of(identity.issuer());
        self.grants.retain(|grant| grant.source != source);
        let stated = identity.roles().as_slice().iter();
        self.grants
            .extend(stated.map(|role| RoleGrant::new(role, source.as_str())));
    }

    pub(super) fn provisioned(
        &self,
        identity: &Identity,
        outcome: Outcome,
    ) -> Provisioned<MemoryUser> {
        let user = MemoryUser {
            id: self.id,
            tenant: self.tenant.clone(),
            email: self.profile.email.clone(),
            full_name: self.profile.full_name.clone(),
            roles: roles::counted(identity, &self.grants),
        };
        Provisioned::new(user, outcome).with_tokens_valid_after(self.tokens_valid_after)
    }
}
