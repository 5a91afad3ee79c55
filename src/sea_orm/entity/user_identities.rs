//! `user_identities`: the identities of users, each an issuer and a subject.

use std::fmt;

use sea_orm::entity::prelude::*;

#[derive(Clone, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_identities")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    pub user_id: Uuid,
    /// An [`IdentityKey`](crate::IdentityKey) in hexadecimal; unique.
    pub identity_key: String,
    /// [`issuer_key`](crate::sea_orm::issuer_key) of the issuer; unique with the user.
    pub issuer_key: String,
    /// `""` once the user was erased; the key stays.
    pub issuer: String,
    /// `""` once the user was erased; the key stays.
    pub subject: String,
    /// The claims that the subject was read from; `""` if unknown.
    pub subject_strategy: String,
    /// A [`PrincipalKind`](crate::PrincipalKind) label.
    pub kind: String,
    /// The `iat` of the token whose roles are stored, in milliseconds since the Unix epoch.
    pub roles_issued_at: Option<i64>,
    /// The `iat` of the token whose profile is stored, in milliseconds since the Unix epoch.
    pub profile_issued_at: Option<i64>,
    /// A digest of that token's profile and of the policy's mapping.
    pub profile_digest: Option<String>,
    pub created_at: TimeDateTime,
}

/// Omits the subject, which is personal data.
impl fmt::Debug for Model {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("user_identities::Model")
            .field("id", &self.id)
            .field("user_id", &self.user_id)
            .field("identity_key", &self.identity_key)
            .field("issuer", &self.issuer)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {
    #[sea_orm(
        belongs_to = "super::users::Entity",
        from = "(Column::Tenant, Column::UserId)",
        to = "(super::users::Column::Tenant, super::users::Column::Id)"
    )]
    User,
}

impl Related<super::users::Entity> for Entity {
    fn to() -> RelationDef {
        Relation::User.def()
    }
}

impl ActiveModelBehavior for ActiveModel {}
