//! The bundled tables, each with the indexes that its statements are served by.

use async_trait::async_trait;
use sea_orm::{DbErr, sea_query::ColumnDef};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{
    super::entity::{link_tickets, role_grants, user_events, user_identities, users},
    columns::{about_users, digest, drop_table, index, micros, owned_by_user, table},
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
        use users::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = table(Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::Email).string_len(254))
            .col(digest(Column::EmailKey))
            .col(ColumnDef::new(Column::EmailVerifiedBy).string_len(1024))
            .col(ColumnDef::new(Column::FullName).string_len(1024))
            .col(ColumnDef::new(Column::Username).string_len(1024))
            .col(ColumnDef::new(Column::HashedPassword).string_len(512))
            .col(ColumnDef::new(Column::Status).string_len(32).not_null())
            .col(ColumnDef::new(Column::StatusSource).string_len(128))
            .col(ColumnDef::new(Column::StatusReason).string_len(255))
            .col(digest(Column::ProfileKey))
            .col(
                ColumnDef::new(Column::LocalAttributes)
                    .string_len(255)
                    .not_null()
                    .default(""),
            )
            .col(micros(Column::TokensValidAfter, backend))
            .col(micros(Column::CreatedAt, backend).not_null())
            .col(micros(Column::UpdatedAt, backend).not_null())
            .col(micros(Column::LastSeenAt, backend));
        manager.create_table(table).await?;
        let mut address = index("uq_users_email_key", Entity, [Column::EmailKey]);
        manager.create_index(address.unique().take()).await?;
        // What the other tables' foreign keys refer to, and what lists walk along.
        let columns = [Column::Tenant, Column::Id];
        let mut in_tenant = index("uq_users_tenant_id", Entity, columns);
        manager.create_index(in_tenant.unique().take()).await?;
        let columns = [Column::Tenant, Column::Status, Column::Id];
        let status = index("ix_users_status", Entity, columns);
        manager.create_index(status).await
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

        let mut table = owned_by_user(Entity, manager.get_database_backend());
        table
            .col(digest(Column::IdentityKey).not_null())
            .col(digest(Column::IssuerKey).not_null())
            .col(ColumnDef::new(Column::Issuer).string_len(512).not_null())
            .col(ColumnDef::new(Column::Subject).string_len(255).not_null())
            .col(
                ColumnDef::new(Column::SubjectStrategy)
                    .string_len(255)
                    .not_null()
                    .default(""),
            )
            .col(ColumnDef::new(Column::Kind).string_len(32).not_null())
            .col(ColumnDef::new(Column::RolesIssuedAt).big_integer())
            .col(ColumnDef::new(Column::ProfileIssuedAt).big_integer())
            .col(digest(Column::ProfileDigest));
        manager.create_table(table).await?;
        let mut key = index("uq_user_identities_key", Entity, [Column::IdentityKey]);
        manager.create_index(key.unique().take()).await?;
        let columns = [Column::UserId, Column::IssuerKey];
        let mut one_an_issuer = index("uq_user_identities_user_issuer", Entity, columns);
        manager.create_index(one_an_issuer.unique().take()).await?;
        // Sign-ups are counted along this one; users of an issuer are listed along the other.
        let columns = [Column::IssuerKey, Column::CreatedAt];
        let counted = index("ix_user_identities_issuer", Entity, columns);
        manager.create_index(counted).await?;
        let columns = [Column::Tenant, Column::IssuerKey, Column::UserId];
        let listed = index("ix_user_identities_issuer_user", Entity, columns);
        manager.create_index(listed).await
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

        let mut table = owned_by_user(Entity, manager.get_database_backend());
        table
            .col(ColumnDef::new(Column::Role).string_len(128).not_null())
            .col(ColumnDef::new(Column::Source).string_len(128).not_null());
        manager.create_table(table).await?;
        let columns = [Column::UserId, Column::Role, Column::Source];
        let mut once = index("uq_role_grants", Entity, columns);
        manager.create_index(once.unique().take()).await?;
        let columns = [Column::Tenant, Column::Role, Column::UserId];
        let holders = index("ix_role_grants_role", Entity, columns);
        manager.create_index(holders).await
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

        let mut table = about_users(Entity, manager.get_database_backend());
        table
            .col(digest(Column::IdentityKey))
            .col(ColumnDef::new(Column::Event).string_len(64).not_null())
            .col(ColumnDef::new(Column::Actor).string_len(128))
            .col(ColumnDef::new(Column::Detail).string_len(255));
        manager.create_table(table).await?;
        // Each ends with the id: a page of events is read in order, and no more than that.
        for index in [
            index("ix_user_events_user", Entity, [Column::UserId, Column::Id]),
            index(
                "ix_user_events_tenant",
                Entity,
                [Column::Tenant, Column::Id],
            ),
            index(
                "ix_user_events_actor",
                Entity,
                [Column::Tenant, Column::Actor, Column::Id],
            ),
            index(
                "ix_user_events_kind",
                Entity,
                [Column::Tenant, Column::Event, Column::Id],
            ),
        ] {
            manager.create_index(index).await?;
        }
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, user_events::Entity).await
    }
}

/// Creates `link_tickets`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateLinkTickets;

impl MigrationName for CreateLinkTickets {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0005_link_tickets"
    }
}

#[async_trait]
impl MigrationTrait for CreateLinkTickets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use link_tickets::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = owned_by_user(Entity, backend);
        table
            .col(digest(Column::IssuerKey).not_null())
            .col(digest(Column::EmailKey).not_null())
            .col(micros(Column::ExpiresAt, backend).not_null())
            .col(micros(Column::ConsumedAt, backend));
        manager.create_table(table).await?;
        let columns = [Column::EmailKey, Column::IssuerKey];
        let address = index("ix_link_tickets_email", Entity, columns);
        manager.create_index(address).await?;
        let user = index("ix_link_tickets_user", Entity, [Column::UserId]);
        manager.create_index(user).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, link_tickets::Entity).await
    }
}

/// Returns every migration, in order.
#[must_use]
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(CreateUsers),
        Box::new(CreateUserIdentities),
        Box::new(CreateRoleGrants),
        Box::new(CreateUserEvents),
        Box::new(CreateLinkTickets),
    ]
}
