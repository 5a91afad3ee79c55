//! Migrations next to an application's own tables, with users who log in by password.
#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbErr, QueryResult, TransactionTrait,
    sea_query::{ColumnDef, ColumnType, Query, StringLen, Table},
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::migration::{self, CreateIdentities};

use crate::{common::database::Backend, fixture::Store};

/// Hashes of every kind, and one string that is not a hash.
const HASHES: [&str; 5] = [
    "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA",
    "$2y$12$Abcdefghijklmnopqrstuv",
    "",
    " spaces at both ends ",
    "it's \"quoted\" \\ NOT NULL",
];

/// An application whose users all had passwords.
struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        vec![
            Box::new(CreateAccounts),
            Box::new(AllowNoPassword),
            Box::new(CreateIdentities::beside(
                "accounts",
                "id",
                ColumnType::Integer,
            )),
        ]
    }
}

struct CreateAccounts;

impl MigrationName for CreateAccounts {
    fn name(&self) -> &'static str {
        "m0001_accounts"
    }
}

#[async_trait]
impl MigrationTrait for CreateAccounts {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::create()
            .table("accounts")
            .col(
                ColumnDef::new("id")
                    .integer()
                    .auto_increment()
                    .primary_key(),
            )
            .col(
                ColumnDef::new("email")
                    .string_len(254)
                    .not_null()
                    .unique_key(),
            )
            .col(ColumnDef::new("hashed_password").string_len(512).not_null())
            .col(
                ColumnDef::new("created_at")
                    .big_integer()
                    .not_null()
                    .default(7),
            )
            .to_owned();
        manager.create_table(table).await?;
        // Rows that are deleted with an account.
        let sessions = "CREATE TABLE sessions (account integer NOT NULL, \
                        FOREIGN KEY (account) REFERENCES accounts (id) ON DELETE CASCADE)";
        let db = manager.get_connection();
        db.execute_unprepared(sessions).await.map(drop)
    }
}

/// The application's own migration, as shown in the guide.
struct AllowNoPassword;

impl MigrationName for AllowNoPassword {
    fn name(&self) -> &'static str {
        "m0002_allow_no_password"
    }
}

#[async_trait]
impl MigrationTrait for AllowNoPassword {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let guide = include_str!(concat!(
            env!("CARGO_MANIFEST_DIR"),
            "/src/guide/existing_users.md"
        ));
        let mut blocks = guide.split("```sql\n").skip(1);
        let block = match manager.get_database_backend() {
            sea_orm::DbBackend::Postgres => blocks.next(),
            sea_orm::DbBackend::MySql => blocks.nth(1),
            _ => blocks.nth(2),
        };
        let statements = block.unwrap().split("```").next().unwrap();
        let db = manager.get_connection().begin().await?;
        for statement in statements.split(';').map(str::trim) {
            if !statement.is_empty() {
                db.execute_unprepared(statement).await?;
            }
        }
        db.commit().await
    }
}

async fn insert(store: &Store, email: &str, hash: Option<&str>) -> Result<(), DbErr> {
    let insert = Query::insert()
        .into_table("accounts")
        .columns(["email", "hashed_password"])
        .values_panic([email.into(), hash.into()])
        .to_owned();
    store.db.execute(&insert).await.map(drop)
}

async fn insert_people(store: &Store) {
    for (number, hash) in HASHES.into_iter().enumerate() {
        let address = format!("user{number}@example.com");
        insert(store, &address, Some(hash)).await.unwrap();
    }
    let sessions = "INSERT INTO sessions (account) SELECT id FROM accounts";
    store.db.execute_unprepared(sessions).await.unwrap();
}

type Account = (i32, String, Option<String>, i64);

async fn accounts(store: &Store) -> Vec<Account> {
    let select = Query::select()
        .columns(["id", "email", "hashed_password", "created_at"])
        .from("accounts")
        .order_by("id", sea_orm::Order::Asc)
        .to_owned();
    let rows = store.db.query_all(&select).await.unwrap();
    let account = |row: &QueryResult| {
        Ok::<_, DbErr>((
            row.try_get_by_index(0)?,
            row.try_get_by_index(1)?,
            row.try_get_by_index(2)?,
            row.try_get_by_index(3)?,
        ))
    };
    rows.iter().map(|row| account(row).unwrap()).collect()
}

async fn rows_of(store: &Store, table: &'static str) -> usize {
    let select = Query::select().expr(1).from(table).to_owned();
    store.db.query_all(&select).await.unwrap().len()
}

pub(crate) async fn the_guides_statement_makes_a_password_optional_and_keeps_every_hash(
    store: &Store,
) {
    Migrator::up(&store.db, Some(1)).await.unwrap();
    insert_people(store).await;
    let before = accounts(store).await;
    assert_eq!(before.len(), HASHES.len());
    let refused = insert(store, "jit@example.com", None).await;
    assert!(refused.is_err(), "the table is as it was before");

    for _ in 0..2 {
        migration::run_migrator::<Migrator>(&store.db)
            .await
            .unwrap();
        assert_eq!(accounts(store).await, before);
        assert_eq!(rows_of(store, "sessions").await, HASHES.len());
    }
    insert(store, "jit@example.com", None).await.unwrap();
    let after = accounts(store).await;
    assert_eq!(after[..HASHES.len()], before);
    assert_eq!(after[HASHES.len()].2, None);
    let taken = insert(store, "jit@example.com", None).await;
    assert!(taken.is_err(), "addresses are unique as before");
}

pub(crate) async fn identity_columns_can_be_added_and_removed(store: &Store) {
    Migrator::up(&store.db, Some(2)).await.unwrap();
    insert_people(store).await;
    let before = accounts(store).await;
    for _ in 0..2 {
        Migrator::up(&store.db, None).await.unwrap();
        let attach = |key: &str| {
            format!(
                "INSERT INTO accounts_identities (identity_key, user_id, issuer_key, issuer, \
                 subject, kind, created_at) VALUES ('{key}', 1, 'a', 'https://id.example.com', \
                 'ana', 'human', '2025-01-01 00:00:00.123456')"
            )
        };
        store.db.execute_unprepared(&attach("k1")).await.unwrap();
        let second = store.db.execute_unprepared(&attach("k2")).await;
        assert!(second.is_err(), "one identity of an issuer");
        Migrator::down(&store.db, Some(1)).await.unwrap();
        assert_eq!(accounts(store).await, before);
        assert!(store.db.execute_unprepared(&attach("k1")).await.is_err());
    }
}

pub(crate) async fn a_text_key_of_any_collation_can_have_identities(store: &Store) {
    let declarations: &[&str] = match store.backend {
        Backend::Mysql(_) => &[
            "varchar(36)",
            "char(36)",
            "varchar(36) CHARACTER SET latin1 COLLATE latin1_german2_ci",
            "varchar(36) CHARACTER SET ascii COLLATE ascii_bin",
            "varchar(36) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin",
        ],
        Backend::Postgres(_) => &["varchar(36)", "varchar(36) COLLATE \"C\""],
        Backend::Sqlite => &["varchar(36)", "varchar(36) COLLATE NOCASE"],
    };
    for declaration in declarations {
        let manager = SchemaManager::new(&store.db);
        let create = format!("CREATE TABLE members (id {declaration} PRIMARY KEY)");
        store.db.execute_unprepared(&create).await.unwrap();
        let id = "'0190a2f0-7c1e-7a55-8d7e-3f6a2f0b1c2d'";
        let member = format!("INSERT INTO members (id) VALUES ({id})");
        store.db.execute_unprepared(&member).await.unwrap();
        let key_type = ColumnType::String(StringLen::N(36));
        let identities = CreateIdentities::beside("members", "id", key_type);
        let created = identities.up(&manager).await;
        assert!(created.is_ok(), "{declaration}: {created:?}");
        let attach = |id: &str| {
            format!(
                "INSERT INTO members_identities (identity_key, user_id, issuer_key, issuer, \
                 subject, kind, created_at) VALUES ('k1', {id}, 'a', 'https://id.example.com', \
                 'ana', 'human', '2025-01-01 00:00:00.123456')"
            )
        };
        let dangling = store.db.execute_unprepared(&attach("'nobody'")).await;
        assert!(dangling.is_err(), "{declaration}");
        store.db.execute_unprepared(&attach(id)).await.unwrap();
        let delete = "DELETE FROM members";
        store.db.execute_unprepared(delete).await.unwrap();
        assert_eq!(rows_of(store, "members_identities").await, 0);
        identities.down(&manager).await.unwrap();
        let drop = "DROP TABLE members";
        store.db.execute_unprepared(drop).await.unwrap();
    }
}
