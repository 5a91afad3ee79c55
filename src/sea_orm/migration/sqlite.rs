//! Makes a column nullable where columns cannot be changed.

use sea_orm::{ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, QueryResult, Statement};

/// Puts a nullable copy of a column in its place, without changing a value; returns whether there is
/// such a column. Undone by rolling back.
pub(super) async fn allow_null(
    db: &DatabaseTransaction,
    table: &str,
    column: &str,
) -> Result<bool, DbErr> {
    let select =
        "SELECT \"type\", \"notnull\", dflt_value FROM pragma_table_info(?) WHERE name = ?";
    let Some(found) = one(db, select, [table, column]).await? else {
        return Ok(false);
    };
    if found.try_get::<i32>("", "notnull")? == 0 {
        return Ok(true);
    }
    // One that runs at updates would see an update that is none.
    let select =
        "SELECT name FROM sqlite_schema WHERE type = 'trigger' AND lower(tbl_name) = lower(?)";
    if one(db, select, [table]).await?.is_some() {
        let message = format!("{table} has triggers: drop them, and create them again afterwards");
        return Err(DbErr::Migration(message));
    }
    let declared: String = found.try_get("", "type")?;
    let default = match found.try_get::<Option<String>>("", "dflt_value")? {
        Some(default) => format!(" DEFAULT ({default})"),
        None => String::new(),
    };
    let collation = collation(db, table, column).await?;
    let checks = checks(db, table).await?;

    let copy = quoted(&format!("{column}_nullable"));
    let (name, old) = (quoted(table), quoted(column));
    for statement in [
        format!("ALTER TABLE {name} ADD COLUMN {copy} {declared} COLLATE {collation}{default}"),
        format!("UPDATE {name} SET {copy} = {old}"),
        format!("ALTER TABLE {name} DROP COLUMN {old}"),
        format!("ALTER TABLE {name} RENAME COLUMN {copy} TO {old}"),
    ] {
        db.execute_unprepared(&statement).await?;
    }
    match self::checks(db, table).await? == checks {
        true => Ok(true),
        false => Err(DbErr::Migration(format!(
            "{table}.{column} has a CHECK, which would be lost"
        ))),
    }
}

/// A column's collation. Only an index tells it; this one holds no row.
async fn collation(db: &DatabaseTransaction, table: &str, column: &str) -> Result<String, DbErr> {
    const PROBE: &str = "tower_jit_provisioning_probe";

    let (table, column) = (quoted(table), quoted(column));
    let create = format!("CREATE INDEX {PROBE} ON {table} ({column}) WHERE 0");
    db.execute_unprepared(&create).await?;
    let select = "SELECT coll FROM pragma_index_xinfo(?) WHERE seqno = 0";
    let found = one(db, select, [PROBE]).await?;
    let collation: Option<String> = found.map(|row| row.try_get("", "coll")).transpose()?;
    db.execute_unprepared(&format!("DROP INDEX {PROBE}"))
        .await?;
    Ok(quoted(collation.as_deref().unwrap_or("BINARY")))
}

/// How often a table's definition says `CHECK`: a column's own goes with the column.
async fn checks(db: &DatabaseTransaction, table: &str) -> Result<usize, DbErr> {
    let select = "SELECT upper(sql) AS sql FROM sqlite_schema \
                  WHERE type = 'table' AND lower(name) = lower(?)";
    let found = one(db, select, [table]).await?;
    let sql: Option<String> = found.map(|row| row.try_get("", "sql")).transpose()?;
    Ok(sql.unwrap_or_default().matches("CHECK").count())
}

async fn one<const N: usize>(
    db: &DatabaseTransaction,
    select: &str,
    names: [&str; N],
) -> Result<Option<QueryResult>, DbErr> {
    let names = names.map(Into::into);
    let select = Statement::from_sql_and_values(DbBackend::Sqlite, select, names);
    db.query_one_raw(select).await
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}
