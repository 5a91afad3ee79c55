//! The bundled tables and this server's own.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` elides these lifetimes, and async_trait requires equal signatures"
)]

use async_trait::async_trait;
use sea_orm::{
    DbErr, DeriveIden,
    sea_query::{ColumnDef, ForeignKey, ForeignKeyAction, Table},
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::{entity::users, migration};

pub struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = migration::all();
        migrations.push(Box::new(CreateSignUps));
        migrations
    }
}

/// `sign_ups`: password sign-ups by address, with the pending proof of the mailbox. Unproved
/// addresses are not in `users.email_key`, so this table prevents two sign-ups of one address.
struct CreateSignUps;

#[derive(DeriveIden)]
enum SignUps {
    Table,
    AddressKey,
    UserId,
    ProofHash,
    ProofExpiresAt,
}

impl MigrationName for CreateSignUps {
    fn name(&self) -> &'static str {
        "server_0001_sign_ups"
    }
}

#[async_trait]
impl MigrationTrait for CreateSignUps {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table(SignUps::Table)
            .col(
                ColumnDef::new(SignUps::AddressKey)
                    .string_len(64)
                    .not_null()
                    .primary_key(),
            )
            .col(
                ColumnDef::new(SignUps::UserId)
                    .uuid()
                    .not_null()
                    .unique_key(),
            )
            .col(
                ColumnDef::new(SignUps::ProofHash)
                    .string_len(64)
                    .unique_key(),
            )
            .col(ColumnDef::new(SignUps::ProofExpiresAt).big_integer())
            .foreign_key(
                ForeignKey::create()
                    .name("fk_sign_ups_user")
                    .from(SignUps::Table, SignUps::UserId)
                    .to(users::Entity, users::Column::Id)
                    .on_delete(ForeignKeyAction::Cascade),
            )
            .to_owned();
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        manager
            .drop_table(Table::drop().table(SignUps::Table).to_owned())
            .await
    }
}

/// The entity of `sign_ups`.
pub mod sign_ups {
    use sea_orm::entity::prelude::*;

    #[derive(Clone, Debug, PartialEq, Eq, DeriveEntityModel)]
    #[sea_orm(table_name = "sign_ups")]
    pub struct Model {
        /// [`Email::key`](tower_jit_provisioning::Email::key) of the address.
        #[sea_orm(primary_key, auto_increment = false)]
        pub address_key: String,
        pub user_id: Uuid,
        /// SHA-256 of the mailed token, in hexadecimal.
        pub proof_hash: Option<String>,
        /// Seconds since the Unix epoch.
        pub proof_expires_at: Option<i64>,
    }

    #[derive(Copy, Clone, Debug, EnumIter, DeriveRelation)]
    pub enum Relation {}

    impl ActiveModelBehavior for ActiveModel {}
}
