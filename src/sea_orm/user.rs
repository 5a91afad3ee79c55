//! The user of the bundled tables that handlers receive.

use std::fmt;

use time::OffsetDateTime;
use uuid::Uuid;

use super::entity::users;
use crate::provisioner::{HasRoles, decision::UserStatus};

/// A user of the bundled tables, without the password's hash.
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct User {
    /// The primary key.
    pub id: Uuid,
    /// The tenant; `""` for services without tenants.
    pub tenant: String,
    /// The address as entered, verified or not.
    pub email: Option<String>,
    /// Whether a trusted source verified the address.
    pub email_is_verified: bool,
    /// The display name.
    pub full_name: Option<String>,
    /// The user name, for display.
    pub username: Option<String>,
    /// The status. Handlers behind the layer receive active users only.
    pub status: UserStatus,
    /// The roles that count for this request, sorted: operators' grants and the token's roles.
    pub roles: Vec<String>,
    /// When the user was created.
    pub created_at: OffsetDateTime,
    /// When the user's row was last changed.
    pub updated_at: OffsetDateTime,
    /// When the user was last seen, accurate to one hour.
    pub last_seen_at: Option<OffsetDateTime>,
}

impl User {
    /// Creates a user from its row and its roles. An unknown status label, written by a newer
    /// version, counts as deactivated.
    #[must_use]
    pub fn new(row: users::Model, roles: impl IntoIterator<Item = String>) -> Self {
        let mut roles: Vec<String> = roles.into_iter().collect();
        roles.sort_unstable();
        roles.dedup();
        Self {
            id: row.id,
            tenant: row.tenant,
            email: row.email,
            email_is_verified: row.email_key.is_some(),
            full_name: row.full_name,
            username: row.username,
            status: UserStatus::parse(&row.status).unwrap_or(UserStatus::Deactivated),
            roles,
            created_at: row.created_at.assume_utc(),
            updated_at: row.updated_at.assume_utc(),
            last_seen_at: row.last_seen_at.map(|at| at.assume_utc()),
        }
    }

    /// Returns whether the user holds a role.
    #[must_use]
    pub fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

impl HasRoles for User {
    fn has_role(&self, role: &str) -> bool {
        Self::has_role(self, role)
    }
}

/// Shows the id and the status only: the rest is personal data.
impl fmt::Debug for User {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("User")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}
