//! Gives an application's own users identities, in a table beside them.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbBackend, DbErr, Statement,
    sea_query::{Alias, ColumnDef, ColumnType, ForeignKey, ForeignKeyAction, Index},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::columns::{digest, drop_table, micros, table};

/// Creates a table of identities beside an application's own users: `accounts_identities` beside
/// `accounts`, with `identity_key` (the primary key), `user_id`, `issuer_key`, `issuer`, `subject`,
/// `kind` and `created_at`.
///
/// A user has at most one identity of an issuer. A user's identities go with its row.
///
/// ```
/// use sea_orm::sea_query::ColumnType;
/// use sea_orm_migration::MigrationName;
/// use tower_jit_provisioning::sea_orm::migration::CreateIdentities;
///
/// let migration = CreateIdentities::beside("accounts", "id", ColumnType::Integer);
/// assert_eq!(migration.name(), "tower_jit_provisioning_accounts_identities");
/// ```
#[derive(Clone, Debug)]
pub struct CreateIdentities {
    name: String,
    users: String,
    key: String,
    key_type: ColumnType,
}

impl CreateIdentities {
    /// Names the users' table, its primary key, and the key's type, which `user_id` has too. On MySQL
    /// and MariaDB a key that is text is declared as the table itself declares it, with its character
    /// set and collation: a foreign key is refused if these differ.
    #[must_use]
    pub fn beside(users: impl Into<String>, key: impl Into<String>, key_type: ColumnType) -> Self {
        let users = users.into();
        Self {
            name: format!("tower_jit_provisioning_{users}_identities"),
            users,
            key: key.into(),
            key_type,
        }
    }

    fn table(&self) -> String {
        format!("{}_identities", self.users)
    }

    /// Declares the column that refers to the users' key.
    async fn user_id(&self, manager: &SchemaManager<'_>) -> Result<ColumnDef, DbErr> {
        let declared = ColumnDef::new_with_type("user_id", self.key_type.clone());
        if manager.get_database_backend() != DbBackend::MySql {
            return Ok(declared);
        }
        let select = "SELECT CONCAT(column_type, ' CHARACTER SET ', character_set_name, \
                      ' COLLATE ', collation_name) AS declaration \
                      FROM information_schema.columns \
                      WHERE table_schema = DATABASE() AND table_name = ? AND column_name = ?";
        let names = [self.users.as_str().into(), self.key.as_str().into()];
        let select = Statement::from_sql_and_values(DbBackend::MySql, select, names);
        let found = manager.get_connection().query_one_raw(select).await?;
        let text: Option<String> = match found {
            None => None,
            Some(row) => row.try_get("", "declaration")?,
        };
        Ok(match text {
            None => declared,
            Some(text) => ColumnDef::new("user_id").custom(Alias::new(text)).take(),
        })
    }
}

impl MigrationName for CreateIdentities {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for CreateIdentities {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let identities = || Alias::new(self.table());
        let mut user_id = self.user_id(manager).await?;
        let mut to_user = ForeignKey::create()
            .name(format!("fk_{}_user", self.table()))
            .from(identities(), "user_id")
            .to(Alias::new(&self.users), Alias::new(&self.key))
            .on_delete(ForeignKeyAction::Cascade)
            .to_owned();
        let mut create = table(identities(), backend);
        create
            .col(digest("identity_key").not_null().primary_key())
            .col(user_id.not_null())
            .col(digest("issuer_key").not_null())
            .col(ColumnDef::new("issuer").string_len(512).not_null())
            .col(ColumnDef::new("subject").string_len(255).not_null())
            .col(ColumnDef::new("kind").string_len(32).not_null())
            .col(micros("created_at", backend).not_null())
            .foreign_key(&mut to_user);
        manager.create_table(create).await?;
        let one_an_issuer = Index::create()
            .name(format!("uq_{}_user_issuer", self.table()))
            .table(identities())
            .col("user_id")
            .col("issuer_key")
            .unique()
            .to_owned();
        manager.create_index(one_an_issuer).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, Alias::new(self.table())).await
    }
}
