//! How the bundled tables spell columns, keys and references on each backend.

use sea_orm::{
    DbBackend, DbErr, EntityName, Iden,
    sea_query::{
        ColumnDef, ForeignKey, ForeignKeyAction, Index, IndexCreateStatement, IntoIden, Table,
        TableCreateStatement,
    },
};
use sea_orm_migration::SchemaManager;

use super::super::entity::users;

/// Starts a table. MySQL and MariaDB compare text without regard to case and accents by default;
/// tenants and roles are compared byte for byte.
pub(super) fn table(name: impl Iden + 'static, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    if backend == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// Starts a table about users: the row's id, the user inside its tenant, and when it was written.
pub(super) fn about_users(name: impl Iden + 'static, backend: DbBackend) -> TableCreateStatement {
    let mut table = table(name, backend);
    table
        .col(ColumnDef::new("id").uuid().not_null().primary_key())
        .col(ColumnDef::new("tenant").string_len(64).not_null())
        .col(ColumnDef::new("user_id").uuid().not_null())
        .col(micros("created_at", backend).not_null());
    table
}

/// Starts a table of what belongs to a user and goes with it. The foreign key names the tenant too:
/// the database itself refuses a row of another tenant's user.
pub(super) fn owned_by_user<E: EntityName>(entity: E, backend: DbBackend) -> TableCreateStatement {
    let name = entity.table_name();
    let mut to_user = ForeignKey::create()
        .name(format!("fk_{name}_user"))
        .from(name, ("tenant", "user_id"))
        .to(users::Entity, (users::Column::Tenant, users::Column::Id))
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned();
    let mut table = about_users(entity, backend);
    table.foreign_key(&mut to_user);
    table
}

/// A SHA-256 in hexadecimal.
pub(super) fn digest(column: impl IntoIden) -> ColumnDef {
    ColumnDef::new(column).string_len(64).take()
}

/// A UTC time in microseconds; MySQL's and MariaDB's plain type cuts to seconds.
pub(super) fn micros(column: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut definition = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => definition.custom("datetime(6)"),
        _ => definition.date_time(),
    };
    definition
}

/// Describes an index.
pub(super) fn index<C: Iden + 'static, const N: usize>(
    name: &str,
    table: impl Iden + 'static,
    columns: [C; N],
) -> IndexCreateStatement {
    let mut index = Index::create();
    index.name(name).table(table);
    for column in columns {
        index.col(column);
    }
    index
}

pub(super) async fn drop_table(
    manager: &SchemaManager<'_>,
    name: impl Iden + 'static,
) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(name).to_owned())
        .await
}
