//! `user_events`: what happened to users; ids only, nothing personal.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    /// The user; [`Uuid::nil`] where somebody was denied who is no user.
    pub user_id: Uuid,
    /// The identity it happened through, if any, in hexadecimal.
    pub identity_key: Option<String>,
    /// `created`, `linked`, …
    pub event: String,
    /// Who did it: an operator's id, a job's name; `None` if a token did.
    pub actor: Option<String>,
    /// What exactly: a role, a reason. Nothing personal.
    pub detail: Option<String>,
    pub created_at: TimeDateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
