//! Statements about one identity, for the caller's transaction.

use sea_orm::{
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseExecutor, DbErr, EntityTrait,
    QueryFilter,
    sea_query::{Asterisk, Condition, Expr, ExprTrait, Query},
};
use uuid::Uuid;

use super::super::{
    entity::{link_tickets, now, role_grants, user_events, user_identities, users},
    issuer_key::issuer_key,
};
use crate::{
    identity::Identity,
    principal::RoleClaim,
    provisioner::decision::{RoleGrant, UserStatus, roles},
};

/// Reads the grants of operators to a link candidate, if the policy needs them.
pub(super) async fn manual_grants(
    db: &DatabaseExecutor<'_>,
    identity: &Identity,
    user_id: Uuid,
) -> Result<Vec<RoleGrant>, DbErr> {
    if !roles::suffice_only_with_grants(identity) {
        return Ok(Vec::new());
    }
    let grants = role_grants::Entity::find()
        .filter(role_grants::Column::UserId.eq(user_id))
        .filter(role_grants::Column::Source.eq(RoleGrant::MANUAL))
        .all(db)
        .await?;
    let grants = grants.into_iter();
    Ok(grants
        .map(|grant| RoleGrant::new(grant.role, grant.source))
        .collect())
}

/// Selects the open tickets for this identity: not consumed, not expired.
pub(super) fn open_tickets(
    identity: &Identity,
    email_key: &str,
) -> sea_orm::Select<link_tickets::Entity> {
    use link_tickets::Column;

    link_tickets::Entity::find()
        .filter(Column::EmailKey.eq(email_key))
        .filter(Column::IssuerKey.eq(issuer_key(identity.issuer())))
        .filter(Column::Tenant.eq(identity.tenant()))
        .filter(Column::ConsumedAt.is_null())
        .filter(Column::ExpiresAt.gt(now()))
}

/// Consumes every open ticket that assigns this identity to the user. Fails with
/// [`DbErr::RecordNotUpdated`], a lost race, if none is open any more.
pub(super) async fn use_ticket(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
) -> Result<(), DbErr> {
    use link_tickets::Column;

    let address = identity.vouched_email();
    let email_key = address.map(|email| email.key(identity.tenant()));
    let used = link_tickets::Entity::update_many()
        .col_expr(Column::ConsumedAt, Expr::value(now()))
        .filter(Column::UserId.eq(user_id))
        .filter(Column::EmailKey.eq(email_key))
        .filter(Column::IssuerKey.eq(issuer_key(identity.issuer())))
        .filter(Column::ConsumedAt.is_null())
        .filter(Column::ExpiresAt.gt(now()))
        .exec(db)
        .await?;
    match used.rows_affected {
        0 => Err(DbErr::RecordNotUpdated),
        _ => Ok(()),
    }
}

/// Inserts an identity. `taken` is the `iat` and the digest of the token whose profile was stored.
pub(super) async fn insert_identity(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    taken: (Option<i64>, Option<String>),
) -> Result<(), DbErr> {
    let states_roles = matches!(identity.roles(), RoleClaim::Present(_));
    let (profile_issued_at, profile_digest) = taken;
    let row = user_identities::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(identity.key().to_string()),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        subject_strategy: Set(identity.subject_strategy().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        roles_issued_at: Set(identity.issued_at().filter(|_| states_roles)),
        profile_issued_at: Set(profile_issued_at),
        profile_digest: Set(profile_digest),
        created_at: Set(now()),
    };
    user_identities::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Inserts roles as grants of the token's issuer. One statement; none without roles.
pub(super) async fn insert_grants(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    roles: impl IntoIterator<Item = &String> + Send,
) -> Result<(), DbErr> {
    let (source, created_at) = (RoleGrant::source_of(identity.issuer()), now());
    let grants: Vec<_> = roles
        .into_iter()
        .map(|role| role_grants::ActiveModel {
            id: Set(Uuid::now_v7()),
            tenant: Set(identity.tenant().to_owned()),
            user_id: Set(user_id),
            role: Set(role.clone()),
            source: Set(source.clone()),
            created_at: Set(created_at),
        })
        .collect();
    if grants.is_empty() {
        return Ok(());
    }
    role_grants::Entity::insert_many(grants)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

pub(super) async fn insert_event(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    event: &str,
) -> Result<(), DbErr> {
    let row = user_events::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(Some(identity.key().to_string())),
        event: Set(event.to_owned()),
        created_at: Set(now()),
        ..Default::default()
    };
    user_events::Entity::insert(row)
        .exec_without_returning(db)
        .await?;
    Ok(())
}

/// Replaces the grants of the token's issuer by the token's roles. One to three statements.
///
/// Grants are deleted by primary key. On MariaDB a `DELETE` by user and source locks the gap beside
/// the user's grants, even if there are none, and the syncs of two users deadlock.
pub(super) async fn replace_grants(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
) -> Result<(), DbErr> {
    let stored = role_grants::Entity::find()
        .filter(role_grants::Column::UserId.eq(user_id))
        .filter(role_grants::Column::Source.eq(RoleGrant::source_of(identity.issuer())))
        .all(db)
        .await?;
    let stated = identity.roles().as_slice();
    let (kept, removed): (Vec<_>, Vec<_>) = stored
        .into_iter()
        .partition(|grant| stated.contains(&grant.role));
    if !removed.is_empty() {
        role_grants::Entity::delete_many()
            .filter(role_grants::Column::Id.is_in(removed.iter().map(|grant| grant.id)))
            .exec(db)
            .await?;
    }
    let is_new = |role: &&String| kept.iter().all(|grant| grant.role != **role);
    insert_grants(db, identity, user_id, stated.iter().filter(is_new)).await?;
    Ok(())
}

/// Parses the status. An unknown label, written by a newer version, counts as deactivated.
pub(super) fn status(user: &users::Model) -> UserStatus {
    UserStatus::parse(&user.status).unwrap_or(UserStatus::Deactivated)
}

/// The condition of the compare-and-set: a token is stored only over an older one.
pub(super) fn is_older(column: user_identities::Column, issued_at: Option<i64>) -> Condition {
    Condition::any()
        .add(column.is_null())
        .add(column.lt(issued_at))
}

/// Counts identities up to a maximum.
pub(super) async fn count(db: &DatabaseConnection, of: Condition, max: u64) -> Result<u64, DbErr> {
    let some = Query::select()
        .column(user_identities::Column::CreatedAt)
        .from(user_identities::Entity)
        .cond_where(of)
        // A bound integer has a sign.
        .limit(Ord::min(max, i64::MAX as u64))
        .take();
    let counted = Query::select()
        .expr(Expr::col(Asterisk).count())
        .from_subquery(some, "counted")
        .take();
    let row = db.query_one(&counted).await?;
    let count: Option<i64> = row.map(|row| row.try_get_by_index(0)).transpose()?;
    Ok(count
        .and_then(|it| u64::try_from(it).ok())
        .unwrap_or_default())
}
