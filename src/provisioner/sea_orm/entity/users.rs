//! `users`: one row a user, whoever vouches for it.

use std::fmt;

use sea_orm::entity::prelude::*;

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
    /// A [`Status`](crate::Status) label.
    pub status: String,
    /// Tokens issued at or before this are void.
    pub tokens_valid_after: Option<TimeDateTime>,
    pub created_at: TimeDateTime,
    pub updated_at: TimeDateTime,
    /// Within the hour.
    pub last_seen_at: Option<TimeDateTime>,
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
    use crate::provisioner::sea_orm::entity::now;

    #[test]
    fn neither_hash_nor_address_is_shown() {
        let row = Model {
            id: Uuid::nil(),
            tenant: String::new(),
            email: Some("ana@example.com".to_owned()),
            email_key: None,
            email_verified_by: None,
            full_name: Some("Ana Diaz".to_owned()),
            username: None,
            hashed_password: Some("$argon2id$".to_owned()),
            status: "active".to_owned(),
            tokens_valid_after: None,
            created_at: now(),
            updated_at: now(),
            last_seen_at: None,
        };
        let shown = format!("{row:?}");
        assert!(shown.contains("active"), "{shown}");
        for secret in ["argon2", "example.com", "Ana"] {
            assert!(!shown.contains(secret), "{shown}");
        }
    }
}
