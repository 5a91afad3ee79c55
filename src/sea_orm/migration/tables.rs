//! The tables as they were first created. What was added later is in
//! [`additions`](super::additions).

use async_trait::async_trait;
use sea_orm::{
    DbErr,
    sea_query::{ColumnDef, Index},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{
    super::entity::{role_grants, user_events, user_identities, users},
    columns::{drop_table, micros, table, to_user, unique},
};

/// Creates `users`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateUsers;

impl MigrationName for CreateUsers {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0001_users"
    }
}

#[async_trait]
impl MigrationTrait for CreateUsers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use users::Column;

        let backend = manager.get_database_backend();
        let mut table = table(users::Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::Email).string_len(254))
            .col(ColumnDef::new(Column::EmailKey).char_len(64))
            .col(ColumnDef::new(Column::EmailVerifiedBy).string_len(1024))
            .col(ColumnDef::new(Column::FullName).string_len(1024))
            .col(ColumnDef::new(Column::Username).string_len(1024))
            .col(ColumnDef::new(Column::HashedPassword).string_len(512))
            .col(ColumnDef::new(Column::Status).string_len(32).not_null())
            .col(micros(Column::TokensValidAfter, backend))
            .col(micros(Column::CreatedAt, backend).not_null())
            .col(micros(Column::UpdatedAt, backend).not_null())
            .col(micros(Column::LastSeenAt, backend));
        manager.create_table(table).await?;
        unique(
            manager,
            users::Entity,
            "uq_users_email_key",
            [Column::EmailKey],
        )
        .await?;
        // What the other tables' foreign keys refer to: a user inside its tenant.
        let columns = [Column::Tenant, Column::Id];
        unique(manager, users::Entity, "uq_users_tenant_id", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, users::Entity).await
    }
}

/// Creates `user_identities`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateUserIdentities;

impl MigrationName for CreateUserIdentities {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0002_user_identities"
    }
}

#[async_trait]
impl MigrationTrait for CreateUserIdentities {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_identities::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = table(Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::UserId).uuid().not_null())
            .col(ColumnDef::new(Column::IdentityKey).char_len(64).not_null())
            .col(ColumnDef::new(Column::IssuerKey).char_len(64).not_null())
            .col(ColumnDef::new(Column::Issuer).string_len(512).not_null())
            .col(ColumnDef::new(Column::Subject).string_len(255).not_null())
            .col(ColumnDef::new(Column::Kind).string_len(32).not_null())
            .col(micros(Column::CreatedAt, backend).not_null())
            .foreign_key(&mut to_user(
                "fk_user_identities_user",
                Entity,
                [Column::Tenant, Column::UserId],
            ));
        manager.create_table(table).await?;
        unique(
            manager,
            Entity,
            "uq_user_identities_key",
            [Column::IdentityKey],
        )
        .await?;
        let columns = [Column::UserId, Column::IssuerKey];
        unique(manager, Entity, "uq_user_identities_user_issuer", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, user_identities::Entity).await
    }
}

/// Creates `role_grants`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateRoleGrants;

impl MigrationName for CreateRoleGrants {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0003_role_grants"
    }
}

#[async_trait]
impl MigrationTrait for CreateRoleGrants {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use role_grants::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = table(Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::UserId).uuid().not_null())
            .col(ColumnDef::new(Column::Role).string_len(128).not_null())
            .col(ColumnDef::new(Column::Source).string_len(128).not_null())
            .col(micros(Column::CreatedAt, backend).not_null())
            .foreign_key(&mut to_user(
                "fk_role_grants_user",
                Entity,
                [Column::Tenant, Column::UserId],
            ));
        manager.create_table(table).await?;
        let columns = [Column::UserId, Column::Role, Column::Source];
        unique(manager, Entity, "uq_role_grants", columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, role_grants::Entity).await
    }
}

/// Creates `user_events`.
///
/// It has no foreign key: what happened to a user outlives its row.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateUserEvents;

impl MigrationName for CreateUserEvents {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0004_user_events"
    }
}

#[async_trait]
impl MigrationTrait for CreateUserEvents {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_events::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = table(Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::UserId).uuid().not_null())
            .col(ColumnDef::new(Column::IdentityKey).char_len(64))
            .col(ColumnDef::new(Column::Event).string_len(64).not_null())
            .col(micros(Column::CreatedAt, backend).not_null());
        manager.create_table(table).await?;
        let index = Index::create()
            .name("ix_user_events_user")
            .table(Entity)
            .col(Column::UserId)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, user_events::Entity).await
    }
}
