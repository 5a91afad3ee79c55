//! What was added to the tables since they were first created.

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbErr,
    sea_query::{ColumnDef, Index},
};
use sea_orm_migration::{MigrationName, MigrationTrait, SchemaManager};

use super::{
    super::entity::{link_tickets, role_grants, user_events, user_identities, users},
    columns::{add_columns, drop_columns, drop_table, micros, table, to_user},
};

/// Adds to `users` who set the status and why, and whose the profile is.
///
/// The profile of a user without a password becomes its identity's; whoever signed up with a
/// password keeps it.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ExtendUsers;

impl MigrationName for ExtendUsers {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0005_users_operations"
    }
}

#[async_trait]
impl MigrationTrait for ExtendUsers {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use users::Column;

        let columns = [
            ColumnDef::new(Column::StatusSource)
                .string_len(128)
                .to_owned(),
            ColumnDef::new(Column::StatusReason)
                .string_len(255)
                .to_owned(),
            ColumnDef::new(Column::ProfileKey).char_len(64).to_owned(),
            ColumnDef::new(Column::LocalAttributes)
                .string_len(255)
                .not_null()
                .default("")
                .to_owned(),
        ];
        add_columns(manager, users::Entity, columns).await?;
        let owned = "UPDATE users SET profile_key = (SELECT MIN(identity_key) FROM user_identities \
                     WHERE user_identities.user_id = users.id) WHERE hashed_password IS NULL";
        manager.get_connection().execute_unprepared(owned).await?;
        Ok(())
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use users::Column;

        let columns = [
            Column::StatusSource,
            Column::StatusReason,
            Column::ProfileKey,
            Column::LocalAttributes,
        ];
        drop_columns(manager, users::Entity, columns).await
    }
}

/// Adds to `user_identities` how the subject was found, and which token was last synchronised.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ExtendUserIdentities;

/// What counts an issuer's users and finds them for relinking.
const ISSUER_INDEX: &str = "ix_user_identities_issuer";

impl MigrationName for ExtendUserIdentities {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0006_user_identities_sync"
    }
}

#[async_trait]
impl MigrationTrait for ExtendUserIdentities {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_identities::{Column, Entity};

        let columns = [
            ColumnDef::new(Column::SubjectStrategy)
                .string_len(255)
                .not_null()
                .default("")
                .to_owned(),
            ColumnDef::new(Column::RolesIssuedAt)
                .big_integer()
                .to_owned(),
            ColumnDef::new(Column::ProfileIssuedAt)
                .big_integer()
                .to_owned(),
            ColumnDef::new(Column::ProfileDigest)
                .char_len(64)
                .to_owned(),
        ];
        add_columns(manager, Entity, columns).await?;
        let index = Index::create()
            .name(ISSUER_INDEX)
            .table(Entity)
            .col(Column::IssuerKey)
            .col(Column::CreatedAt)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_identities::{Column, Entity};

        let index = Index::drop().name(ISSUER_INDEX).table(Entity).to_owned();
        manager.drop_index(index).await?;
        let columns = [
            Column::SubjectStrategy,
            Column::RolesIssuedAt,
            Column::ProfileIssuedAt,
            Column::ProfileDigest,
        ];
        drop_columns(manager, Entity, columns).await
    }
}

/// Adds to `user_events` who did it, and what exactly.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct ExtendUserEvents;

impl MigrationName for ExtendUserEvents {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0007_user_events_actor"
    }
}

#[async_trait]
impl MigrationTrait for ExtendUserEvents {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_events::{Column, Entity};

        let columns = [
            ColumnDef::new(Column::Actor).string_len(128).to_owned(),
            ColumnDef::new(Column::Detail).string_len(255).to_owned(),
        ];
        add_columns(manager, Entity, columns).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use user_events::{Column, Entity};

        drop_columns(manager, Entity, [Column::Actor, Column::Detail]).await
    }
}

/// Creates `link_tickets`.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct CreateLinkTickets;

impl MigrationName for CreateLinkTickets {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0008_link_tickets"
    }
}

#[async_trait]
impl MigrationTrait for CreateLinkTickets {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use link_tickets::{Column, Entity};

        let backend = manager.get_database_backend();
        let mut table = table(Entity, backend);
        table
            .col(ColumnDef::new(Column::Id).uuid().not_null().primary_key())
            .col(ColumnDef::new(Column::Tenant).string_len(64).not_null())
            .col(ColumnDef::new(Column::UserId).uuid().not_null())
            .col(ColumnDef::new(Column::IssuerKey).char_len(64).not_null())
            .col(ColumnDef::new(Column::EmailKey).char_len(64).not_null())
            .col(micros(Column::ExpiresAt, backend).not_null())
            .col(micros(Column::ConsumedAt, backend))
            .col(micros(Column::CreatedAt, backend).not_null())
            .foreign_key(&mut to_user(
                "fk_link_tickets_user",
                Entity,
                [Column::Tenant, Column::UserId],
            ));
        manager.create_table(table).await?;
        let index = Index::create()
            .name("ix_link_tickets_email")
            .table(Entity)
            .col(Column::EmailKey)
            .col(Column::IssuerKey)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        drop_table(manager, link_tickets::Entity).await
    }
}

/// Finds who holds a role without reading every grant.
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct IndexRoleGrants;

const ROLE_INDEX: &str = "ix_role_grants_role";

impl MigrationName for IndexRoleGrants {
    fn name(&self) -> &'static str {
        "tower_jit_provisioning_0009_role_grants_role"
    }
}

#[async_trait]
impl MigrationTrait for IndexRoleGrants {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        use role_grants::{Column, Entity};

        let index = Index::create()
            .name(ROLE_INDEX)
            .table(Entity)
            .col(Column::Tenant)
            .col(Column::Role)
            .to_owned();
        manager.create_index(index).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = role_grants::Entity;
        let index = Index::drop().name(ROLE_INDEX).table(table).to_owned();
        manager.drop_index(index).await
    }
}
