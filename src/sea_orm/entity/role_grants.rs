//! `role_grants`: the stored roles of users, each with its source.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "role_grants")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    pub user_id: Uuid,
    pub role: String,
    /// `manual` for an operator's grant; `issuer:` and the issuer's
    /// [`issuer_key`](crate::sea_orm::issuer_key) for a role that its tokens state.
    pub source: String,
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
