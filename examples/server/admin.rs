//! `server grant-admin <issuer> <subject>`: the first administrator of a real issuer.

use std::error::Error;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, SqlErr,
    TransactionTrait,
};
use tower_jit_provisioning::{
    IdentityKey, PrincipalKind, Status,
    sea_orm::{
        entity::{now, role_grants, user_events, user_identities, users},
        issuer_key,
    },
};
use uuid::Uuid;

/// Grants the role, registering the identity first if it never came. Granting twice changes
/// nothing.
pub async fn grant(
    db: &DatabaseConnection,
    issuer: &str,
    subject: &str,
) -> Result<String, Box<dyn Error>> {
    if issuer.is_empty() || issuer.len() > 512 || subject.is_empty() || subject.len() > 255 {
        return Err("an issuer has 1 to 512 bytes, a subject 1 to 255".into());
    }
    let identity_key = IdentityKey::new("", issuer, subject).to_string();
    let known = user_identities::Entity::find()
        .filter(user_identities::Column::IdentityKey.eq(&identity_key))
        .one(db)
        .await?;
    let (user_id, how) = match known {
        Some(identity) => (identity.user_id, "known"),
        None => (
            register(db, issuer, subject, identity_key).await?,
            "registered",
        ),
    };
    let granted = role_grants::Entity::insert(role_grants::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(String::new()),
        user_id: Set(user_id),
        role: Set("admin".to_owned()),
        source: Set("manual".to_owned()),
        created_at: Set(now()),
    })
    .exec_without_returning(db)
    .await;
    let what = match granted {
        Ok(_) => "is an administrator now",
        Err(error) if is_duplicate(&error) => "was an administrator before",
        Err(error) => return Err(error.into()),
    };
    Ok(format!("user {user_id} ({how}) {what}"))
}

async fn register(
    db: &DatabaseConnection,
    issuer: &str,
    subject: &str,
    identity_key: String,
) -> Result<Uuid, DbErr> {
    let (id, now) = (Uuid::now_v7(), now());
    let transaction = db.begin().await?;
    users::Entity::insert(users::ActiveModel {
        id: Set(id),
        tenant: Set(String::new()),
        status: Set(Status::Active.as_str().to_owned()),
        created_at: Set(now),
        updated_at: Set(now),
        ..Default::default()
    })
    .exec_without_returning(&transaction)
    .await?;
    user_identities::Entity::insert(user_identities::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(String::new()),
        user_id: Set(id),
        identity_key: Set(identity_key.clone()),
        issuer_key: Set(issuer_key(issuer)),
        issuer: Set(issuer.to_owned()),
        subject: Set(subject.to_owned()),
        kind: Set(PrincipalKind::Human.as_str().to_owned()),
        created_at: Set(now),
    })
    .exec_without_returning(&transaction)
    .await?;
    user_events::Entity::insert(user_events::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(String::new()),
        user_id: Set(id),
        identity_key: Set(Some(identity_key)),
        event: Set("created".to_owned()),
        created_at: Set(now),
    })
    .exec_without_returning(&transaction)
    .await?;
    transaction.commit().await?;
    Ok(id)
}

fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
