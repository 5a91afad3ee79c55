//! `users`: one row a user, whoever vouches for it.

use std::fmt;

use sea_orm::entity::prelude::*;

use crate::provisioner::decision::UserStatus;

/// A user's row. The hash is in here: hand out [`User`](crate::sea_orm::User) instead.
#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "users")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    /// `""` when there are no tenants.
    pub tenant: String,
    /// As written; not unique, and possibly nobody's.
    pub email: Option<String>,
    /// Set only while the address is verified; unique.
    pub email_key: Option<String>,
    /// Who verified the address: `mailbox`, `import`, `issuer:…`.
    pub email_verified_by: Option<String>,
    pub full_name: Option<String>,
    /// For display; not unique.
    pub username: Option<String>,
    /// `None` for users without a password, and never set by provisioning (CVE-2022-1162).
    pub hashed_password: Option<String>,
    /// A [`UserStatus`] label.
    pub status: String,
    /// Who set the status, if not sign-up: an operator's id, a job's name.
    pub status_source: Option<String>,
    /// Why, in the operator's words.
    pub status_reason: Option<String>,
    /// The identity whose tokens keep the profile up to date; `None` if nobody's do.
    pub profile_key: Option<String>,
    /// What the user edited here and no token overwrites: names of attributes, separated by commas.
    pub local_attributes: String,
    /// Tokens issued at or before this are void.
    pub tokens_valid_after: Option<TimeDateTime>,
    pub created_at: TimeDateTime,
    pub updated_at: TimeDateTime,
    /// Within the hour.
    pub last_seen_at: Option<TimeDateTime>,
}

impl Model {
    /// Makes an active user without a name, an address or a password.
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

/// Shows the id and the status only: the rest is personal, or a hash.
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
