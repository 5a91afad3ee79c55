//! `user_identities`: which subjects of which issuers a user is.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
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
    pub issuer: String,
    pub subject: String,
    /// A [`PrincipalKind`](crate::PrincipalKind) label.
    pub kind: String,
    pub created_at: TimeDateTime,
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
