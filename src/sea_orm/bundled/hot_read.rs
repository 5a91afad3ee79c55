//! The single statement that a request of a known user runs.

use std::sync::OnceLock;

use sea_orm::{
    ColumnTrait, DatabaseConnection, DbBackend, DbErr, EntityTrait, FromQueryResult, JoinType,
    QueryFilter, QuerySelect, QueryTrait, RelationTrait, Statement,
    sea_query::{Expr, ExprTrait, IntoCondition},
};

use super::super::entity::{role_grants, user_identities, users};
use crate::{identity::Identity, provisioner::decision::RoleGrant};

/// A row of the result: the user, once for each grant, or once if it has none.
#[derive(FromQueryResult)]
pub(super) struct KnownRow {
    #[sea_orm(nested)]
    pub(super) user: users::Model,
    pub(super) kind: String,
    pub(super) roles_issued_at: Option<i64>,
    pub(super) profile_issued_at: Option<i64>,
    pub(super) profile_digest: Option<String>,
    pub(super) role: Option<String>,
    pub(super) source: Option<String>,
}

/// Reads identity, user, status and grants by a unique key. The grants are those of operators and
/// of the identity's issuer; grants of other issuers never count.
pub(super) async fn rows(
    db: &DatabaseConnection,
    identity: &Identity,
    identity_key: &str,
) -> Result<Vec<KnownRow>, DbErr> {
    let backend = db.get_database_backend();
    let source = RoleGrant::source_of(identity.issuer());
    let values = [RoleGrant::MANUAL.into(), source.into(), identity_key.into()];
    let select = Statement::from_sql_and_values(backend, text(backend), values);
    KnownRow::find_by_statement(select).all(db).await
}

/// Returns the statement's text, which is built once per backend. Its parameters are the source of
/// operators' grants, the source of the issuer's grants, and the key. It has no `LIMIT`, because
/// SQLite prepares a statement with a bound limit again at every execution.
fn text(backend: DbBackend) -> &'static str {
    static MY_SQL: OnceLock<String> = OnceLock::new();
    static POSTGRES: OnceLock<String> = OnceLock::new();
    static SQLITE: OnceLock<String> = OnceLock::new();
    let text = match backend {
        DbBackend::MySql => &MY_SQL,
        DbBackend::Postgres => &POSTGRES,
        _ => &SQLITE,
    };
    text.get_or_init(|| {
        let counting = users::Relation::RoleGrants.def().on_condition(|_, grants| {
            let source = Expr::col((grants, role_grants::Column::Source));
            source.is_in(["", ""]).into_condition()
        });
        let select = users::Entity::find()
            .column(user_identities::Column::Kind)
            .column(user_identities::Column::RolesIssuedAt)
            .column(user_identities::Column::ProfileIssuedAt)
            .column(user_identities::Column::ProfileDigest)
            .column(role_grants::Column::Role)
            .column(role_grants::Column::Source)
            .join(JoinType::InnerJoin, users::Relation::UserIdentities.def())
            .join(JoinType::LeftJoin, counting)
            .filter(user_identities::Column::IdentityKey.eq(""));
        select.build(backend).sql
    })
}
