//! `server grant-admin <issuer> <subject>`: the first administrator of a real issuer.

use std::error::Error;

use sea_orm::{
    ActiveValue::Set, ColumnTrait, DatabaseConnection, DbErr, EntityTrait, QueryFilter, SqlErr,
    TransactionTrait,
};
use tower_jit_provisioning::{
    IdentityKey,
    sea_orm::entity::{now, role_grants, user_identities, users},
};
use uuid::Uuid;

use crate::registration;

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
        None => (register(db, issuer, subject).await?, "registered"),
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

async fn register(db: &DatabaseConnection, issuer: &str, subject: &str) -> Result<Uuid, DbErr> {
    let user = users::Model::new("");
    let transaction = db.begin().await?;
    registration::insert(&transaction, &user, issuer, subject).await?;
    transaction.commit().await?;
    Ok(user.id)
}

fn is_duplicate(error: &DbErr) -> bool {
    matches!(error.sql_err(), Some(SqlErr::UniqueConstraintViolation(_)))
}
