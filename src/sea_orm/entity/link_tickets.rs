//! `link_tickets`: assignments of an address at an issuer to a user, each for one sign-in.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "link_tickets")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    pub user_id: Uuid,
    /// [`issuer_key`](crate::sea_orm::issuer_key) of the issuer that must vouch for the address.
    pub issuer_key: String,
    /// [`Email::key`](crate::Email::key) of the address.
    pub email_key: String,
    pub expires_at: TimeDateTime,
    /// Set in the transaction that links the user.
    pub consumed_at: Option<TimeDateTime>,
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
