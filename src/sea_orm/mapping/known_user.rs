//! A user that a mapping found by an identity.

use std::fmt;

use time::PrimitiveDateTime;

use super::millis::millis;
use crate::{
    principal::PrincipalKind,
    provisioner::decision::{ProfileState, RoleGrant, Standing, UserStatus},
};

/// The user of a known identity, and the state that the policy decides by.
#[must_use]
#[derive(Clone)]
pub struct KnownUser<R> {
    pub(in crate::sea_orm) row: R,
    pub(in crate::sea_orm) kind: Option<PrincipalKind>,
    pub(in crate::sea_orm) status: UserStatus,
    pub(in crate::sea_orm) tokens_valid_after: Option<PrimitiveDateTime>,
    pub(in crate::sea_orm) grants: Option<Grants>,
    pub(in crate::sea_orm) profile: ProfileState,
    /// `None` means that the mapping does not store it.
    pub(in crate::sea_orm) last_seen_at: Option<Option<PrimitiveDateTime>>,
}

#[derive(Clone, Debug)]
pub(in crate::sea_orm) struct Grants {
    pub(in crate::sea_orm) grants: Vec<RoleGrant>,
    pub(in crate::sea_orm) issued_at: Option<i64>,
}

/// Omits the row, which holds personal data.
impl<R> fmt::Debug for KnownUser<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KnownUser")
            .field("kind", &self.kind)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

impl<R> KnownUser<R> {
    /// Creates an active user from its row and the stored kind of its identity, a [`PrincipalKind`]
    /// label. An unknown label matches no token.
    pub fn new(row: R, kind: &str) -> Self {
        Self {
            row,
            kind: PrincipalKind::parse(kind),
            status: UserStatus::Active,
            tokens_valid_after: None,
            grants: None,
            profile: ProfileState::default(),
            last_seen_at: None,
        }
    }

    /// Sets the status. Default: [`UserStatus::Active`].
    pub fn with_status(mut self, status: UserStatus) -> Self {
        self.status = status;
        self
    }

    /// Rejects tokens issued at or before an instant, in UTC.
    pub fn with_tokens_valid_after(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.tokens_valid_after = instant;
        self
    }

    /// Sets the stored grants, and the `iat` of the token whose roles are among them, in
    /// milliseconds since the Unix epoch. Without this call,
    /// [`UserMapping::store_roles`](super::user_mapping::UserMapping::store_roles) is not called.
    pub fn with_grants(mut self, grants: Vec<RoleGrant>, issued_at: Option<i64>) -> Self {
        self.grants = Some(Grants { grants, issued_at });
        self
    }

    /// Sets the state of the stored profile. Without this call,
    /// [`UserMapping::store_profile`](super::user_mapping::UserMapping::store_profile) is not
    /// called.
    pub fn with_profile_state(mut self, state: ProfileState) -> Self {
        self.profile = state;
        self
    }

    /// Sets when the user was last seen; `None` means never. Without this call,
    /// [`UserMapping::touch`](super::user_mapping::UserMapping::touch) is not called.
    pub fn with_last_seen_at(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.last_seen_at = Some(instant);
        self
    }

    pub(in crate::sea_orm) fn grants(&self) -> &[RoleGrant] {
        self.grants.as_ref().map_or(&[], |stored| &stored.grants)
    }

    /// Returns the state that admission decides by; `None` if the kind is unknown.
    pub(in crate::sea_orm) fn snapshot(&self) -> Option<Standing> {
        let standing = Standing::new(self.status, self.kind?);
        Some(standing.with_tokens_valid_after(self.tokens_valid_after.map(millis)))
    }
}
