//! Creates the bundled tables.
//!
//! [`run`] is for an application without migrations of its own: it takes a lock first, so that
//! several replicas may start at once on an empty database. It keeps its record in a table of its
//! own, `tower_jit_provisioning_migrations`.
//!
//! An application with a `Migrator` splices them into it, [all] or one by one
//! (`CreateUsers::default()`), in this order, never renames or removes one that has run, and may run
//! it under the same lock with [`run_migrator`]:
//!
//! ```
//! use sea_orm_migration::{MigrationTrait, MigratorTrait};
//! use tower_jit_provisioning::sea_orm::migration;
//!
//! struct Migrator;
//!
//! impl MigratorTrait for Migrator {
//!     fn migrations() -> Vec<Box<dyn MigrationTrait>> {
//!         let mut migrations = migration::all();
//!         migrations.extend([/* the application's own */]);
//!         migrations
//!     }
//! }
//! # assert_eq!(Migrator::migrations()[0].name(), "tower_jit_provisioning_0001_users");
//! ```
//!
//! Order is the order of the list; nothing sorts by name. `MigratorTrait::fresh` drops every table
//! of the database, whoever created it.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, DynIden, Iden, Statement,
    TransactionTrait,
    sea_query::{
        Alias, ColumnDef, ForeignKey, ForeignKeyAction, Index, IntoIden, Table,
        TableCreateStatement,
    },
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};

use super::{
    entity::{role_grants, user_events, user_identities, users},
    store,
};

/// The name of the lock, and a number for backends whose locks have numbers.
const LOCK: (&str, i64) = ("tower_jit_provisioning", 0x746a_7031);

/// How long to wait for another replica's migration, in seconds.
const LOCK_TIMEOUT: u32 = 60;

/// Returns every migration, in order.
#[must_use]
pub fn all() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(CreateUsers),
        Box::new(CreateUserIdentities),
        Box::new(CreateRoleGrants),
        Box::new(CreateUserEvents),
    ]
}

/// Brings the bundled tables up to date; does nothing if they are.
///
/// # Errors
///
/// As [`run_migrator`].
pub async fn run(db: &DatabaseConnection) -> Result<(), DbErr> {
    run_migrator::<Bundled>(db).await
}

/// Runs an application's own migrator, with this crate's migrations spliced in or not, under the
/// lock.
///
/// Safe to call from several processes at once: one migrates, the others wait up to a minute. On
/// MySQL and MariaDB the pool needs two connections, and a migration that fails half way stays half
/// done, because these databases commit every change of schema by itself.
///
/// # Errors
///
/// If the lock was not obtained in time, or a statement fails.
pub async fn run_migrator<M: MigratorTrait + 'static>(
    db: &DatabaseConnection,
) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    match backend {
        DbBackend::Postgres => {
            let transaction = db.begin().await?;
            let lock = format!("SELECT pg_advisory_xact_lock({})", LOCK.1);
            let timeout = format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'");
            transaction.execute_unprepared(&timeout).await?;
            transaction.execute_unprepared(&lock).await?;
            M::up(&transaction, None).await?;
            transaction.commit().await
        }
        DbBackend::MySql => {
            // On a task of its own: cancelled half way, it would leave the lock behind on a pooled
            // connection.
            let running = tokio::spawn(run_under_named_lock::<M>(db.clone()));
            running
                .await
                .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string())))
        }
        _ => {
            let transaction = store::begin(db).await?;
            M::up(&transaction, None).await?;
            transaction.commit().await
        }
    }
}

/// MySQL's and MariaDB's locks belong to a connection; the transaction only holds on to one.
async fn run_under_named_lock<M: MigratorTrait>(db: DatabaseConnection) -> Result<(), DbErr> {
    let guard = db.begin().await?;
    let lock = format!("SELECT GET_LOCK('{}', {LOCK_TIMEOUT}) AS held", LOCK.0);
    let lock = Statement::from_string(db.get_database_backend(), lock);
    let answer = guard.query_one_raw(lock).await?;
    let held: Option<i64> = answer.map(|row| row.try_get("", "held")).transpose()?;
    if held != Some(1) {
        let message = "another process holds the migration lock";
        return Err(DbErr::Custom(message.to_owned()));
    }
    let result = M::up(&db, None).await;
    let release = format!("DO RELEASE_LOCK('{}')", LOCK.0);
    guard.execute_unprepared(&release).await?;
    guard.commit().await?;
    result
}

struct Bundled;

impl MigratorTrait for Bundled {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        all()
    }

    fn migration_table_name() -> DynIden {
        Alias::new("tower_jit_provisioning_migrations").into_iden()
    }
}

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

/// Starts a table. MySQL and MariaDB compare text without regard to case and accents by default;
/// tenants and roles are compared byte for byte.
fn table(name: impl Iden + 'static, backend: DbBackend) -> TableCreateStatement {
    let mut table = Table::create();
    table.table(name);
    if backend == DbBackend::MySql {
        table.character_set("utf8mb4").collate("utf8mb4_bin");
    }
    table
}

/// A UTC time in microseconds; MySQL's and MariaDB's plain type cuts to seconds.
fn micros(column: impl IntoIden, backend: DbBackend) -> ColumnDef {
    let mut definition = ColumnDef::new(column);
    match backend {
        DbBackend::MySql => definition.custom("datetime(6)"),
        _ => definition.date_time(),
    };
    definition
}

/// A reference to a user inside its tenant: the database itself refuses a link across tenants.
fn to_user<C: Iden + 'static>(
    name: &str,
    table: impl Iden + 'static,
    [tenant, user_id]: [C; 2],
) -> sea_orm::sea_query::ForeignKeyCreateStatement {
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

async fn unique<C: Iden + 'static, const N: usize>(
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

async fn drop_table(manager: &SchemaManager<'_>, name: impl Iden + 'static) -> Result<(), DbErr> {
    manager
        .drop_table(Table::drop().table(name).to_owned())
        .await
}
