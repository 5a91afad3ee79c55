//! Tables of the applications: users, with or without passwords.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

use async_trait::async_trait;
use sea_orm::{
    DbBackend, DbErr,
    sea_query::{Alias, ColumnDef, Table, TableCreateStatement},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

/// Returns a users' table.
pub(super) fn users(name: &str, id: &mut ColumnDef) -> TableCreateStatement {
    Table::create()
        .table(Alias::new(name))
        .col(id.not_null().primary_key())
        .col(ColumnDef::new("name").string())
        .col(ColumnDef::new("hashed_password").string_len(512))
        .col(
            ColumnDef::new("status")
                .string_len(32)
                .not_null()
                .default("active"),
        )
        .to_owned()
}

/// Returns a users' table whose addresses are compared by their key.
pub(super) fn users_with_addresses(name: &str, id: &mut ColumnDef) -> TableCreateStatement {
    users(name, id)
        .col(ColumnDef::new("email_key").string_len(64).unique_key())
        .col(ColumnDef::new("email_verified_by").string_len(1024))
        .to_owned()
}

/// Creates a table that belongs to the application alone.
pub(super) struct Create(pub(super) TableCreateStatement);

impl MigrationName for Create {
    fn name(&self) -> &'static str {
        "m0001_create"
    }
}

#[async_trait]
impl MigrationTrait for Create {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager.create_table(self.0.clone()).await
    }
}

/// Creates a users' table.
pub(super) struct CreateUsers(pub(super) TableCreateStatement);

impl MigrationName for CreateUsers {
    fn name(&self) -> &'static str {
        "m0002_create_users"
    }
}

#[async_trait]
impl MigrationTrait for CreateUsers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let mut revoked = ColumnDef::new("tokens_valid_after");
        match manager.get_database_backend() {
            // The plain type truncates to seconds.
            DbBackend::MySql => revoked.custom("datetime(6)"),
            _ => revoked.date_time(),
        };
        let table = self.0.clone().col(revoked).to_owned();
        manager.create_table(table).await
    }
}
