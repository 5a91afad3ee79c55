//! The user as an administrator's page shows it.

use std::{collections::HashMap, fmt};

use time::OffsetDateTime;
use uuid::Uuid;

use super::super::{
    entity::{role_grants, user_identities, users},
    user::User,
};

/// A user with its identities, grants and status, as an administrator's page shows it; without the
/// password's hash.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct UserRecord {
    /// The user, with all of its stored roles, whichever source granted them.
    pub user: User,
    /// The user's identities.
    pub identities: Vec<user_identities::Model>,
    /// The stored roles, each with its source.
    pub grants: Vec<role_grants::Model>,
    /// Whether the user has a password.
    pub has_password: bool,
    /// The actor that set the status.
    pub status_source: Option<String>,
    /// The operator's reason for the status.
    pub status_reason: Option<String>,
    /// The attributes that no token overwrites: `email`, `full_name`, `username`.
    pub local_attributes: Vec<String>,
    /// Tokens issued at or before this time are void.
    pub tokens_valid_after: Option<OffsetDateTime>,
}

impl UserRecord {
    /// Combines the rows, in the order of the users.
    pub(super) fn assemble(
        rows: Vec<users::Model>,
        identities: Vec<user_identities::Model>,
        grants: Vec<role_grants::Model>,
    ) -> Vec<Self> {
        let mut owned: HashMap<Uuid, Vec<user_identities::Model>> = HashMap::new();
        for identity in identities {
            owned.entry(identity.user_id).or_default().push(identity);
        }
        let mut held: HashMap<Uuid, Vec<role_grants::Model>> = HashMap::new();
        for grant in grants {
            held.entry(grant.user_id).or_default().push(grant);
        }
        let records = rows.into_iter().map(|row| {
            let identities = owned.remove(&row.id).unwrap_or_default();
            let grants = held.remove(&row.id).unwrap_or_default();
            Self::new(row, identities, grants)
        });
        records.collect()
    }

    fn new(
        row: users::Model,
        identities: Vec<user_identities::Model>,
        grants: Vec<role_grants::Model>,
    ) -> Self {
        Self {
            has_password: row.hashed_password.is_some(),
            status_source: row.status_source.clone(),
            status_reason: row.status_reason.clone(),
            local_attributes: row.locally_edited().map(str::to_owned).collect(),
            tokens_valid_after: row.tokens_valid_after.map(|at| at.assume_utc()),
            user: User::new(row, grants.iter().map(|grant| grant.role.clone())),
            identities,
            grants,
        }
    }
}

/// Shows the id and the status only: the rest is personal data.
impl fmt::Debug for UserRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserRecord")
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}
