//! Creation of the tables, by one process or several, and removal.
#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr, Statement};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tower_jit_provisioning::{Outcome, sea_orm::migration};

use crate::fixture::{Store, person};

/// Returns the applied migrations recorded by `migration::run`: names and times.
async fn applied(db: &DatabaseConnection) -> Vec<(String, i64)> {
    let select = "SELECT version, applied_at FROM tower_jit_provisioning_migrations \
                  ORDER BY version";
    let statement = Statement::from_string(db.get_database_backend(), select);
    let rows = db.query_all_raw(statement).await.unwrap();
    rows.iter()
        .map(|row| row.try_get_many("", &["version".into(), "applied_at".into()]))
        .collect::<Result<_, _>>()
        .unwrap()
}

pub(crate) async fn running_twice_changes_nothing(store: &Store) {
    migration::run(&store.db).await.unwrap();
    let identity = person("ana").build();
    store.provision(&identity).await.unwrap();
    let (noted, rows) = (applied(&store.db).await, store.rows().await);
    let names: Vec<&str> = noted.iter().map(|(name, _)| name.as_str()).collect();
    assert_eq!(
        names,
        [
            "tower_jit_provisioning_0001_users",
            "tower_jit_provisioning_0002_user_identities",
            "tower_jit_provisioning_0003_role_grants",
            "tower_jit_provisioning_0004_user_events",
            "tower_jit_provisioning_0005_link_tickets",
        ]
    );

    migration::run(&store.db).await.unwrap();
    assert_eq!(applied(&store.db).await, noted);
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn replicas_can_start_concurrently_on_an_empty_database(store: &Store) {
    let mut replicas = Vec::new();
    for _ in 0..3 {
        let db = store.connect(2).await.unwrap();
        replicas.push(tokio::spawn(async move { migration::run(&db).await }));
    }
    for replica in replicas {
        replica.await.unwrap().unwrap();
    }
    assert_eq!(applied(&store.db).await.len(), migration::all().len());
    store.provision(&person("ana").build()).await.unwrap();
    store.rows().await.assert_created(1);
}

const TABLES: [&str; 5] = [
    "link_tickets",
    "role_grants",
    "user_events",
    "user_identities",
    "users",
];

/// An application with its own tables next to the bundled ones.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = migration::all();
        migrations.push(Box::new(CreateOrders));
        migrations
    }
}

struct CreateOrders;

impl MigrationName for CreateOrders {
    fn name(&self) -> &'static str {
        "m0001_orders"
    }
}

#[async_trait]
impl MigrationTrait for CreateOrders {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        let create = "CREATE TABLE orders (number INTEGER PRIMARY KEY)";
        db.execute_unprepared(create).await.map(drop)
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let db = manager.get_connection();
        db.execute_unprepared("DROP TABLE orders").await.map(drop)
    }
}

async fn exists(db: &DatabaseConnection, table: &str) -> bool {
    let select = format!("SELECT 1 FROM {table}");
    db.execute_unprepared(&select).await.is_ok()
}

pub(crate) async fn every_migration_can_be_reverted(store: &Store) {
    for _ in 0..2 {
        Migrator::up(&store.db, None).await.unwrap();
        for table in TABLES {
            assert!(exists(&store.db, table).await, "{table}");
        }
        store.provision(&person("ana").build()).await.unwrap();
        Migrator::down(&store.db, None).await.unwrap();
        for table in TABLES {
            assert!(!exists(&store.db, table).await, "{table}");
        }
    }
}

pub(crate) async fn the_migrations_can_be_part_of_an_applications_migrator(store: &Store) {
    Migrator::up(&store.db, None).await.unwrap();
    Migrator::up(&store.db, None).await.unwrap();
    let pending = Migrator::get_pending_migrations(&store.db).await.unwrap();
    assert!(pending.is_empty());
    assert!(exists(&store.db, "orders").await);
    let created = store.provision(&person("ana").build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    store.rows().await.assert_created(1);
}
