//! The row that every changed user gets in `user_events`.

use sea_orm::{ActiveModelTrait, DatabaseTransaction, DbErr, EntityTrait, IntoActiveModel};
use uuid::Uuid;

use super::{
    super::entity::{now, user_events},
    UserDirectory,
};

impl UserDirectory {
    pub(super) fn event(
        &self,
        user_id: Uuid,
        event: &str,
        identity_key: Option<String>,
        detail: Option<&str>,
    ) -> user_events::Model {
        user_events::Model {
            id: Uuid::now_v7(),
            tenant: self.tenant.as_ref().to_owned(),
            user_id,
            identity_key,
            event: event.to_owned(),
            actor: self.actor.as_deref().map(str::to_owned),
            detail: detail.map(str::to_owned),
            created_at: now(),
        }
    }
}

/// One statement, for a batch.
pub(super) async fn record(
    transaction: &DatabaseTransaction,
    events: Vec<user_events::Model>,
) -> Result<(), DbErr> {
    if events.is_empty() {
        return Ok(());
    }
    let rows = events
        .into_iter()
        .map(|event| event.into_active_model().reset_all());
    user_events::Entity::insert_many(rows)
        .exec_without_returning(transaction)
        .await?;
    Ok(())
}
