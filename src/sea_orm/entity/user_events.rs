//! `user_events`: the events of users; ids only, no personal data.

use sea_orm::entity::prelude::*;

#[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
#[sea_orm(table_name = "user_events")]
pub struct Model {
    #[sea_orm(primary_key, auto_increment = false)]
    pub id: Uuid,
    pub tenant: String,
    /// The user; [`Uuid::nil`] if an unknown identity was denied.
    pub user_id: Uuid,
    /// The identity that caused the event, in hexadecimal; `None` if no identity did.
    pub identity_key: Option<String>,
    /// `created`, `linked`, …
    pub event: String,
    /// The actor: an operator's id, a job's name; `None` means that a token caused the event.
    pub actor: Option<String>,
    /// A role or a reason; no personal data.
    pub detail: Option<String>,
    pub created_at: TimeDateTime,
}

#[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
pub enum Relation {}

impl ActiveModelBehavior for ActiveModel {}
