//! The table of [`own_roles`](super::own_roles).

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, DeriveEntityModel)]
#[sea_orm(table_name = "players")]
pub(crate) struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub name: Option<String>,
    pub hashed_password: Option<String>,
    pub status: String,
    pub tokens_valid_after: Option<TimeDateTime>,
    pub identity_key: Option<String>,
    pub issuer_key: Option<String>,
    pub issuer: Option<String>,
    pub subject: Option<String>,
    pub kind: Option<String>,
    pub identity_created_at: Option<TimeDateTime>,
    pub email: Option<String>,
    pub email_key: Option<String>,
    pub email_verified_by: Option<String>,
    /// Separated by spaces.
    pub issuer_roles: String,
    pub manual_roles: String,
    pub roles_issued_at: Option<i64>,
    pub profile_issued_at: Option<i64>,
    pub profile_digest: Option<String>,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub(crate) enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
