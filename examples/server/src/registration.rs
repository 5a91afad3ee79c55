//! Registers users before their first token, so that provisioning finds their rows.

use sea_orm::{ActiveValue::Set, ConnectionTrait, DbErr, EntityTrait};
use tower_jit_provisioning::{
    IdentityKey, PrincipalKind,
    sea_orm::{
        entity::{now, user_events, user_identities, users},
        issuer_key,
    },
};
use uuid::Uuid;

/// Inserts a user, the identity its tokens will carry, and the event that records the registration.
/// Runs three statements in the caller's transaction.
pub async fn insert(
    db: &impl ConnectionTrait,
    user: &users::Model,
    issuer: &str,
    subject: &str,
) -> Result<(), DbErr> {
    let identity_key = IdentityKey::new(&user.tenant, issuer, subject).to_string();
    users::Entity::insert(users::ActiveModel::from(user.clone()))
        .exec_without_returning(db)
        .await?;
    user_identities::Entity::insert(user_identities::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(user.tenant.clone()),
        user_id: Set(user.id),
        identity_key: Set(identity_key.clone()),
        issuer_key: Set(issuer_key(issuer)),
        issuer: Set(issuer.to_owned()),
        subject: Set(subject.to_owned()),
        kind: Set(PrincipalKind::Human.as_str().to_owned()),
        created_at: Set(user.created_at),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await?;
    record(db, user, Some(identity_key), "created").await
}

/// Inserts an event about a user, in the transaction of the change that it records.
pub async fn record(
    db: &impl ConnectionTrait,
    user: &users::Model,
    identity_key: Option<String>,
    event: &str,
) -> Result<(), DbErr> {
    user_events::Entity::insert(user_events::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(user.tenant.clone()),
        user_id: Set(user.id),
        identity_key: Set(identity_key),
        event: Set(event.to_owned()),
        created_at: Set(now()),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await?;
    Ok(())
}
