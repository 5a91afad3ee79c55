//! Gives an application's own users identities: in columns, or in a table beside them.

use async_trait::async_trait;
use sea_orm::{
    DbErr,
    sea_query::{Alias, ColumnDef, ColumnType, ForeignKey, ForeignKeyAction, Index},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::columns::{add_columns, drop_columns, drop_table, micros, table};

/// Adds to an application's own table what a user's one identity is, and the address it holds:
/// `identity_key`, `issuer_key`, `issuer`, `subject`, `kind`, `identity_created_at`, `email_key`,
/// `email_verified_by`.
///
/// All of them are nullable; the two keys are unique. Who has verified an address only the
/// application knows: it fills `email_key` with [`Email::key`](crate::Email::key) and
/// `email_verified_by` for those users, or nobody of them is ever linked.
///
/// ```
/// use sea_orm_migration::MigrationName;
/// use tower_jit_provisioning::sea_orm::migration::AddIdentityColumns;
///
/// let migration = AddIdentityColumns::to("accounts");
/// assert_eq!(migration.name(), "tower_jit_provisioning_accounts_identity_columns");
/// ```
#[derive(Clone, Debug)]
pub struct AddIdentityColumns {
    name: String,
    table: String,
}

impl AddIdentityColumns {
    /// Names the table.
    #[must_use]
    pub fn to(table: impl Into<String>) -> Self {
        let table = table.into();
        Self {
            name: format!("tower_jit_provisioning_{table}_identity_columns"),
            table,
        }
    }

    fn unique(&self, column: &str) -> String {
        format!("uq_{}_{column}", self.table)
    }
}

impl MigrationName for AddIdentityColumns {
    fn name(&self) -> &str {
        &self.name
    }
}

#[async_trait]
impl MigrationTrait for AddIdentityColumns {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let backend = manager.get_database_backend();
        let columns = [
            ColumnDef::new("identity_key").char_len(64).to_owned(),
            ColumnDef::new("issuer_key").char_len(64).to_owned(),
            ColumnDef::new("issuer").string_len(512).to_owned(),
            ColumnDef::new("subject").string_len(255).to_owned(),
            ColumnDef::new("kind").string_len(32).to_owned(),
            micros("identity_created_at", backend),
            ColumnDef::new("email_key").char_len(64).to_owned(),
            ColumnDef::new("email_verified_by")
                .string_len(1024)
                .to_owned(),
        ];
        add_columns(manager, Alias::new(&self.table), columns).await?;
        for column in ["identity_key", "email_key"] {
            let index = Index::create()
                .name(self.unique(column))
                .table(Alias::new(&self.table))
                .col(column)
                .unique()
                .to_owned();
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        for column in ["identity_key", "email_key"] {
            let index = Index::drop()
                .name(self.unique(column))
                .table(Alias::new(&self.table))
                .to_owned();
            manager.drop_index(index).await?;
        }
        let columns = [
            "identity_key",
            "issuer_key",
            "issuer",
            "subject",
            "kind",
            "identity_created_at",
            "email_key",
            "email_verified_by",
        ];
        drop_columns(manager, Alias::new(&self.table), columns).await
    }
}

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
    /// Names the users' table, its primary key, and the key's type, which `user_id` has too.
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
        let mut user_id = ColumnDef::new_with_type("user_id", self.key_type.clone());
        let mut to_user = ForeignKey::create()
            .name(format!("fk_{}_user", self.table()))
            .from(identities(), "user_id")
            .to(Alias::new(&self.users), Alias::new(&self.key))
            .on_delete(ForeignKeyAction::Cascade)
            .to_owned();
        let mut create = table(identities(), backend);
        create
            .col(
                ColumnDef::new("identity_key")
                    .char_len(64)
                    .not_null()
                    .primary_key(),
            )
            .col(user_id.not_null())
            .col(ColumnDef::new("issuer_key").char_len(64).not_null())
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
