//! `users`: one row per user.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::provisioner::decision::UserStatus;

/// A user's row. It contains the password's hash: return [`User`](crate::sea_orm::User) to clients
/// instead.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `""` for services without tenants.
    pub tenant: String,
    /// As entered; not unique, and not necessarily the user's own.
    pub email: Option<String>,
    /// Set only while the address is verified; unique.
    pub email_key: Option<String>,
    /// The source that verified the address: `mailbox`, `import`, `issuer:…`.
    pub email_verified_by: Option<String>,
    pub full_name: Option<String>,
    /// For display; not unique.
    pub username: Option<String>,
    /// `None` means that the user has no password. Provisioning never sets it (CVE-2022-1162).
    pub hashed_password: Option<String>,
    /// A [`UserStatus`] label.
    pub status: String,
    /// The actor that set the status: an operator's id, a job's name; `None` means sign-up.
    pub status_source: Option<String>,
    /// The operator's reason for the status.
    pub status_reason: Option<String>,
    /// The identity whose tokens update the profile; `None` means that no token does.
    pub profile_key: Option<String>,
    /// The attributes that the user edited here and no token overwrites: names, separated by
    /// commas.
    pub local_attributes: String,
    /// Tokens issued at or before this time are void.
    pub tokens_valid_after: Option<TimeDateTime>,
    pub created_at: TimeDateTime,
    pub updated_at: TimeDateTime,
    /// Accurate to one hour.
    pub last_seen_at: Option<TimeDateTime>,
}

impl Model {
    /// Creates an active user without a name, an address or a password.
    #[must_use]
    pub fn new(tenant: impl Into<String>) -> Self {
        let now = super::now::now();
        Self {
            id: Uuid::now_v7(),
            tenant: tenant.into(),
            email: None,
            email_key: None,
            email_verified_by: None,
            full_name: None,
            username: None,
            hashed_password: None,
            status: UserStatus::Active.as_str().to_owned(),
            status_source: None,
            status_reason: None,
            profile_key: None,
            local_attributes: String::new(),
            tokens_valid_after: None,
            created_at: now,
            updated_at: now,
            last_seen_at: None,
        }
    }

    /// Returns the names of the attributes that the user edited here.
    pub(in crate::sea_orm) fn locally_edited(&self) -> impl Iterator<Item = &str> {
        let names = self.local_attributes.split(',');
        names.filter(|name| !name.is_empty())
    }
}

/// Shows the id and the status only: the rest is personal data or a hash.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("users::Model")
            .field("id", &self.id)
            .field("status", &self.status)
            .finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(has_many = "super::role_grants::Entity")]
    RoleGrants,
    #[sea_orm(has_many = "super::user_identities::Entity")]
    UserIdentities,
}

impl Related<super::role_grants::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::RoleGrants.def()
    }
}

impl Related<super::user_identities::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::UserIdentities.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn neither_hash_nor_address_is_shown() {
        let row = Model {
            email: Some("ana@example.com".to_owned()),
            full_name: Some("Ana Diaz".to_owned()),
            hashed_password: Some("$argon2id$".to_owned()),
            ..Model::new("")
        };
        let shown = format!("{row:?}");
        assert!(shown.contains("active"), "{shown}");
        for secret in ["argon2", "example.com", "Ana"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
