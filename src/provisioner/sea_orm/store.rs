//! The statements: each one names what it costs and what may fail.

use sea_orm::{
    ActiveModelTrait,
    ActiveValue::Set,
    ColumnTrait, ConnectionTrait, DatabaseConnection, DatabaseTransaction, DbErr, EntityTrait,
    FromQueryResult, IntoActiveModel, JoinType, QueryFilter, QuerySelect, RelationTrait, SqlErr,
    SqliteTransactionMode, TransactionOptions, TransactionTrait,
    sea_query::{Expr, ExprTrait, IntoCondition},
};
use time::PrimitiveDateTime;
use uuid::Uuid;

use super::{
    entity::{now, role_grants, user_events, user_identities, users},
    issuer_key,
};
use crate::{
    email::Email,
    identity::{Identity, PrincipalKind},
    provisioner::policy::{Candidate, Status},
};

/// The source of grants that an operator made.
const MANUAL: &str = "manual";

/// A known user, with everything a request needs of it.
pub(super) struct Known {
    pub(super) user: users::Model,
    pub(super) kind: Option<PrincipalKind>,
    pub(super) manual_roles: Vec<String>,
}

/// One row of the hot read: the user once for each of its grants, or once without any.
#[derive(FromQueryResult)]
struct KnownRow {
    #[sea_orm(nested)]
    user: users::Model,
    kind: String,
    role: Option<String>,
}

/// Reads identity, user, status and grants in one statement, by a unique key and without `LIMIT`:
/// SQLite prepares a statement with a bound limit again at every execution.
pub(super) async fn find(
    db: &impl ConnectionTrait,
    identity_key: &str,
) -> Result<Option<Known>, DbErr> {
    let rows = users::Entity::find()
        .column(user_identities::Column::Kind)
        .column(role_grants::Column::Role)
        .join(JoinType::InnerJoin, users::Relation::UserIdentities.def())
        .join(
            JoinType::LeftJoin,
            users::Relation::RoleGrants.def().on_condition(|_, grants| {
                Expr::col((grants, role_grants::Column::Source))
                    .eq(MANUAL)
                    .into_condition()
            }),
        )
        .filter(user_identities::Column::IdentityKey.eq(identity_key))
        .into_model::<KnownRow>()
        .all(db)
        .await?;
    let mut rows = rows.into_iter();
    let Some(first) = rows.next() else {
        return Ok(None);
    };
    Ok(Some(Known {
        user: first.user,
        kind: PrincipalKind::parse(&first.kind),
        manual_roles: first
            .role
            .into_iter()
            .chain(rows.filter_map(|row| row.role))
            .collect(),
    }))
}

/// Reads the user who holds an address verified, and whether the issuer already knows it.
/// `locked` is for the linking transaction.
pub(super) async fn find_candidate(
    db: &impl ConnectionTrait,
    identity: &Identity,
    address: &Email,
    locked: bool,
) -> Result<Option<(users::Model, Candidate)>, DbErr> {
    let mut select = users::Entity::find()
        .filter(users::Column::EmailKey.eq(address.key(identity.tenant())))
        .filter(users::Column::Tenant.eq(identity.tenant()));
    if locked {
        select = select.lock_exclusive();
    }
    let Some(user) = select.all(db).await?.into_iter().next() else {
        return Ok(None);
    };
    let identities = user_identities::Entity::find()
        .filter(user_identities::Column::UserId.eq(user.id))
        .all(db)
        .await?;
    let issuer_key = issuer_key(identity.issuer());
    let candidate = Candidate {
        status: Status::parse(&user.status).unwrap_or(Status::Deactivated),
        verified_by: user.email_verified_by.clone().unwrap_or_default(),
        is_human: identities
            .iter()
            .all(|known| known.kind == PrincipalKind::Human.as_str()),
        has_identity_of_issuer: identities
            .iter()
            .any(|known| known.issuer_key == issuer_key),
        tokens_valid_after: user.tokens_valid_after.map(millis),
    };
    Ok(Some((user, candidate)))
}

/// Starts a transaction that writes. SQLite takes the write lock at once: upgrading a read lock
/// fails where another writer came first.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}

/// Inserts user, identity and event: three statements.
pub(super) async fn insert_user(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user: &users::Model,
) -> Result<(), DbErr> {
    users::Entity::insert(user.clone().into_active_model().reset_all())
        .exec_without_returning(db)
        .await?;
    insert_identity(db, identity, user.id, "created").await
}

/// Inserts an identity of an existing user, and the event: two statements.
pub(super) async fn insert_identity(
    db: &impl ConnectionTrait,
    identity: &Identity,
    user_id: Uuid,
    event: &str,
) -> Result<(), DbErr> {
    let identity_key = identity.key().to_string();
    user_identities::Entity::insert(user_identities::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(identity_key.clone()),
        issuer_key: Set(issuer_key(identity.issuer())),
        issuer: Set(identity.issuer().to_owned()),
        subject: Set(identity.subject().to_owned()),
        kind: Set(identity.kind().as_str().to_owned()),
        created_at: Set(now()),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await?;
    user_events::Entity::insert(user_events::ActiveModel {
        id: Set(Uuid::now_v7()),
        tenant: Set(identity.tenant().to_owned()),
        user_id: Set(user_id),
        identity_key: Set(Some(identity_key)),
        event: Set(event.to_owned()),
        created_at: Set(now()),
        ..Default::default()
    })
    .exec_without_returning(db)
    .await?;
    Ok(())
}

/// Notes that a user was seen, unless somebody else noted it since `before`.
pub(super) async fn touch(
    db: &impl ConnectionTrait,
    user_id: Uuid,
    before: PrimitiveDateTime,
) -> Result<(), DbErr> {
    users::Entity::update_many()
        .col_expr(users::Column::LastSeenAt, Expr::value(now()))
        .filter(users::Column::Id.eq(user_id))
        .filter(
            users::Column::LastSeenAt
                .is_null()
                .or(users::Column::LastSeenAt.lt(before)),
        )
        .exec(db)
        .await?;
    Ok(())
}

/// Milliseconds since the Unix epoch, as tokens are dated.
pub(super) fn millis(at: PrimitiveDateTime) -> i64 {
    let nanos = at.assume_utc().unix_timestamp_nanos();
    i64::try_from(nanos.div_euclid(1_000_000)).unwrap_or(i64::MAX)
}

/// Whether a write lost against another that holds the same unique value, or against the removal
/// of the row it refers to: reading again tells which.
pub(super) fn is_lost_race(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_))
    )
}
