//! How the bundled tables spell columns, keys and references on each backend.

use sea_orm::{
    DbBackend, DbErr, Iden,
    sea_query::{
        ColumnDef, ForeignKey, ForeignKeyAction, ForeignKeyCreateStatement, Index, IntoIden, Table,
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

/// A UTC time in microseconds; MySQL's and MariaDB's plain type cuts to seconds.
pub(super) fn micros(column: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut definition = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => definition.custom("datetime(6)"),
        _ => definition.date_time(),
    };
    definition
}

/// A reference to a user inside its tenant: the database itself refuses a link across tenants.
pub(super) fn to_user<C: Iden + 'static>(
    name: &str,
    table: impl Iden + 'static,
    [tenant, user_id]: [C; 2],
) -> ForeignKeyCreateStatement {
    ForeignKey::create()
        .name(name)
        .from_tbl(table)
        .from_col(tenant)
        .from_col(user_id)
        .to_tbl(users::Entity)
        .to_col(users::Column::Tenant)
        .to_col(users::Column::Id)
        .on_delete(ForeignKeyAction::Cascade)
        .to_owned()
}

pub(super) async fn unique<C: Iden + 'static, const N: usize>(
    manager: &SchemaManager<'_>,
    table: impl Iden + 'static,
    name: &str,
    columns: [C; N],
) -> Result<(), DbErr> {
    let mut index = Index::create();
    index.name(name).table(table).unique();
    for column in columns {
        index.col(column);
    }
    manager.create_index(index).await
}

pub(super) async fn drop_table(
    manager: &SchemaManager<'_>,
    name: impl Iden + 'static,
) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(name).to_owned())
        .await
}

/// Adds columns, one statement each: SQLite takes no more at once.
pub(super) async fn add_columns(
    manager: &SchemaManager<'_>,
    table: impl Iden + Clone + 'static,
    columns: impl IntoIterator<Item = ColumnDef> + Send,
) -> Result<(), DbErr> {
    let columns: Vec<ColumnDef> = columns.into_iter().collect();
    for column in columns {
        let alteration = Table::alter()
            .table(table.clone())
            .add_column(column)
            .to_owned();
        manager.alter_table(alteration).await?;
    }
    Ok(())
}

/// Takes columns away again, one statement each.
pub(super) async fn drop_columns<C: Iden + 'static, const N: usize>(
    manager: &SchemaManager<'_>,
    table: impl Iden + Clone + 'static,
    columns: [C; N],
) -> Result<(), DbErr> {
    for column in columns {
        let alteration = Table::alter()
            .table(table.clone())
            .drop_column(column)
            .to_owned();
        manager.alter_table(alteration).await?;
    }
    Ok(())
}
