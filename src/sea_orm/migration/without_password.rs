//! Lets an application's own table hold users without a password.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, Statement,
    sea_query::{Alias, ColumnDef, Expr, ExprTrait, Query, Table},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{
    super::store,
    definition::{column_of, replaced},
    sqlite,
};

/// Makes the password's column of an application's own table nullable, so that users of an issuer
/// can be inserted beside those with a password.
///
/// Every row and every hash stays as it is. Does nothing if the column is nullable already. Taking
/// it back is refused while somebody has no password.
///
/// ```
/// use sea_orm_migration::MigrationName;
/// use tower_jit_provisioning::sea_orm::migration::AllowUsersWithoutPassword;
///
/// let migration = AllowUsersWithoutPassword::of("accounts", "hashed_password");
/// assert_eq!(
///     migration.name(),
///     "tower_jit_provisioning_accounts_hashed_password_nullable"
/// );
/// ```
///
/// # Backends
///
/// * PostgreSQL: `DROP NOT NULL`.
/// * MySQL and MariaDB: `MODIFY` with the definition that the server prints, so type, character set,
///   collation, default and comment stay.
/// * SQLite changes no columns: a new one is filled and takes the old one's place, at the end of the
///   table. It fails, and leaves the table as it was, if the column is indexed or has a `CHECK`, if a
///   view reads it, or if the table has triggers. Taking it back only looks for users without a
///   password.
#[derive(Clone, Debug)]
pub struct AllowUsersWithoutPassword {
    name: String,
    table: String,
    column: String,
}

impl AllowUsersWithoutPassword {
    /// Names the table and the column of its passwords' hashes.
    #[must_use]
    pub fn of(table: impl Into<String>, column: impl Into<String>) -> Self {
        let (table, column) = (table.into(), column.into());
        Self {
            name: format!("tower_jit_provisioning_{table}_{column}_nullable"),
            table,
            column,
        }
    }

    async fn set_nullable(&self, manager: &SchemaManager<'_>, nullable: bool) -> Result<(), DbErr> {
        let mut column = ColumnDef::new(Alias::new(&self.column));
        match nullable {
            true => column.null(),
            false => column.not_null(),
        };
        let table = Alias::new(&self.table);
        let alteration = Table::alter().table(table).modify_column(column).to_owned();
        manager.alter_table(alteration).await
    }

    /// The statement that makes the column what `change` makes of its definition.
    async fn modify(
        &self,
        manager: &SchemaManager<'_>,
        change: impl Fn(&str) -> Option<String> + Send,
    ) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let table = self.table.replace('`', "``");
        let show = format!("SHOW CREATE TABLE `{table}`");
        let show = Statement::from_string(DbBackend::MySql, show);
        let shown = db.query_one_raw(show).await?;
        let created: Option<String> = shown.map(|row| row.try_get_by_index(1)).transpose()?;
        let created = created.unwrap_or_default();
        let definition = column_of(&created, &self.column).ok_or_else(|| self.is_missing())?;
        let Some(changed) = change(definition) else {
            return Ok(());
        };
        let alteration = format!("ALTER TABLE `{table}` MODIFY {changed}");
        db.execute_unprepared(&alteration).await.map(drop)
    }

    async fn has_users_without(&self, manager: &SchemaManager<'_>) -> Result<bool, DbErr> {
        let select = Query::select()
            .expr(Expr::val(1))
            .from(Alias::new(&self.table))
            .and_where(Expr::col(Alias::new(&self.column)).is_null())
            .limit(1)
            .to_owned();
        let found = manager.get_connection().query_one(&select).await?;
        Ok(found.is_some())
    }

    fn is_missing(&self) -> DbErr {
        DbErr::Migration(format!("there is no {}.{}", self.table, self.column))
    }
}

impl MigrationName for AllowUsersWithoutPassword {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for AllowUsersWithoutPassword {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        match manager.get_database_backend() {
            DbBackend::MySql => {
                let allow = |definition: &str| replaced(definition, " NOT NULL", " NULL");
                self.modify(manager, allow).await
            }
            DbBackend::Postgres => self.set_nullable(manager, true).await,
            _ => {
                let transaction = store::begin(manager.get_connection()).await?;
                match sqlite::allow_null(&transaction, &self.table, &self.column).await {
                    Ok(true) => transaction.commit().await,
                    Ok(false) => {
                        transaction.rollback().await?;
                        Err(self.is_missing())
                    }
                    Err(error) => {
                        transaction.rollback().await?;
                        Err(error)
                    }
                }
            }
        }
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        if self.has_users_without(manager).await? {
            let message = format!("somebody has no {}.{}", self.table, self.column);
            return Err(DbErr::Migration(message));
        }
        match manager.get_database_backend() {
            DbBackend::MySql => {
                let forbid = |definition: &str| match replaced(definition, " NOT NULL", "") {
                    Some(_) => None,
                    None => replaced(definition, " DEFAULT NULL", " NOT NULL")
                        .or_else(|| Some(format!("{definition} NOT NULL"))),
                };
                self.modify(manager, forbid).await
            }
            DbBackend::Postgres => self.set_nullable(manager, false).await,
            _ => Ok(()),
        }
    }
}
