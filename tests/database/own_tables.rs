//! Migrations of an application's own tables, with people in them who log in by password.
#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` declares its methods so, and async_trait compares them"
)]

use async_trait::async_trait;
use sea_orm::{
    ConnectionTrait, DbErr, QueryResult, Statement,
    sea_query::{ColumnDef, ColumnType, Query, Table},
};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::migration::{
    self, AddIdentityColumns, AllowUsersWithoutPassword, CreateIdentities,
};

use crate::{common::database::Backend, fixture::Store};

/// Hashes of every kind, and one that is none.
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
            Box::new(AllowUsersWithoutPassword::of("accounts", "hashed_password")),
            Box::new(AddIdentityColumns::to("accounts")),
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
        manager.create_table(table).await
    }

    async fn down(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let table = Table::drop().table("accounts").to_owned();
        manager.drop_table(table).await
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

pub(crate) async fn a_password_becomes_optional_and_every_hash_stays(store: &Store) {
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
    }
    insert(store, "jit@example.com", None).await.unwrap();
    let after = accounts(store).await;
    assert_eq!(after[..HASHES.len()], before);
    assert_eq!(after[HASHES.len()].2, None);
    let taken = insert(store, "jit@example.com", None).await;
    assert!(taken.is_err(), "addresses are unique as before");
}

pub(crate) async fn a_column_that_is_nullable_already_is_left_alone(store: &Store) {
    Migrator::up(&store.db, Some(2)).await.unwrap();
    insert_people(store).await;
    insert(store, "jit@example.com", None).await.unwrap();
    let (before, table) = (accounts(store).await, definition(store).await);
    let again = AllowUsersWithoutPassword::of("accounts", "hashed_password");
    again.up(&SchemaManager::new(&store.db)).await.unwrap();
    assert_eq!(accounts(store).await, before);
    assert_eq!(definition(store).await, table);
}

pub(crate) async fn taking_it_back_is_refused_while_somebody_has_no_password(store: &Store) {
    Migrator::up(&store.db, Some(2)).await.unwrap();
    insert_people(store).await;
    insert(store, "jit@example.com", None).await.unwrap();
    let before = accounts(store).await;
    let refused = Migrator::down(&store.db, Some(1)).await.unwrap_err();
    assert!(
        refused.to_string().contains("accounts.hashed_password"),
        "{refused}"
    );
    assert_eq!(accounts(store).await, before);

    let delete = "DELETE FROM accounts WHERE hashed_password IS NULL";
    store.db.execute_unprepared(delete).await.unwrap();
    Migrator::down(&store.db, Some(1)).await.unwrap();
    assert_eq!(accounts(store).await, before[..HASHES.len()]);
    // SQLite cannot put the constraint back without rewriting the table.
    if !matches!(store.backend, Backend::Sqlite) {
        let refused = insert(store, "jit@example.com", None).await;
        assert!(refused.is_err(), "the constraint is back");
    }
    Migrator::up(&store.db, Some(1)).await.unwrap();
    insert(store, "jit@example.com", None).await.unwrap();
}

pub(crate) async fn identities_can_be_given_and_taken_back(store: &Store) {
    Migrator::up(&store.db, Some(1)).await.unwrap();
    insert_people(store).await;
    let before = accounts(store).await;
    for _ in 0..2 {
        Migrator::up(&store.db, None).await.unwrap();
        let of_nobody = "SELECT identity_key, issuer, subject, kind, email_key, email_verified_by \
                         FROM accounts WHERE COALESCE(identity_key, issuer, subject, kind, \
                         email_key, email_verified_by) IS NOT NULL";
        let found = store.db.query_all_raw(statement(store, of_nobody)).await;
        assert!(found.unwrap().is_empty());
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
        Migrator::down(&store.db, Some(3)).await.unwrap();
        assert_eq!(accounts(store).await, before);
        assert!(store.db.execute_unprepared(&attach("k1")).await.is_err());
    }
}

pub(crate) async fn a_missing_column_is_said(store: &Store) {
    Migrator::up(&store.db, Some(1)).await.unwrap();
    let manager = SchemaManager::new(&store.db);
    for (table, column) in [("accounts", "hash"), ("nobody", "hashed_password")] {
        let missing = AllowUsersWithoutPassword::of(table, column);
        assert!(missing.up(&manager).await.is_err(), "{table}.{column}");
    }
}

/// Everything the database says about the table.
async fn definition(store: &Store) -> Vec<String> {
    let select = match store.backend {
        Backend::Mysql(_) => "SHOW CREATE TABLE accounts",
        Backend::Postgres(_) => {
            "SELECT column_name, CONCAT_WS(' ', column_name, data_type, \
             character_maximum_length, collation_name, is_nullable, column_default) \
             FROM information_schema.columns WHERE table_name = 'accounts' ORDER BY ordinal_position"
        }
        Backend::Sqlite => {
            "SELECT name, COALESCE(sql, '') FROM sqlite_schema \
             WHERE tbl_name = 'accounts' ORDER BY name"
        }
    };
    let rows = store.db.query_all_raw(statement(store, select)).await;
    let rows = rows.unwrap().into_iter();
    rows.map(|row| row.try_get_by_index(1).unwrap()).collect()
}

/// A column with all that a server may say of one.
pub(crate) async fn nothing_else_of_the_column_changes(store: &Store) {
    let of_column = match store.backend {
        Backend::Mysql(_) => {
            "varchar(300) CHARACTER SET latin1 COLLATE latin1_german2_ci NOT NULL \
             DEFAULT 'it''s NOT NULL' COMMENT 'is NOT NULL, `so`'"
        }
        Backend::Postgres(_) => "varchar(300) COLLATE \"C\" NOT NULL DEFAULT 'it''s NOT NULL'",
        Backend::Sqlite => "varchar(300) COLLATE NOCASE NOT NULL DEFAULT 'it''s NOT NULL'",
    };
    let create = format!(
        "CREATE TABLE accounts (id integer PRIMARY KEY, hashed_password {of_column}, \
         email varchar(254))"
    );
    store.db.execute_unprepared(&create).await.unwrap();
    let insert = "INSERT INTO accounts (id, hashed_password) VALUES (1, 'Abc')";
    store.db.execute_unprepared(insert).await.unwrap();
    let before = definition(store).await;
    let manager = SchemaManager::new(&store.db);
    let migration = AllowUsersWithoutPassword::of("accounts", "hashed_password");
    migration.up(&manager).await.unwrap();
    let after = definition(store).await;
    assert_ne!(after, before);
    for insert in [
        "INSERT INTO accounts (id, hashed_password) VALUES (2, NULL)",
        "INSERT INTO accounts (id) VALUES (3)",
    ] {
        store.db.execute_unprepared(insert).await.unwrap();
    }
    let defaulted = "SELECT hashed_password FROM accounts WHERE id = 3";
    let row = store.db.query_one_raw(statement(store, defaulted)).await;
    let hash: String = row.unwrap().unwrap().try_get_by_index(0).unwrap();
    assert_eq!(hash, "it's NOT NULL");
    let folds_case = !matches!(store.backend, Backend::Postgres(_));
    let compared = "SELECT id FROM accounts WHERE hashed_password = 'ABC'";
    let found = store.db.query_all_raw(statement(store, compared)).await;
    assert_eq!(found.unwrap().len(), usize::from(folds_case), "collation");

    if !matches!(store.backend, Backend::Sqlite) {
        let delete = "DELETE FROM accounts WHERE hashed_password IS NULL";
        store.db.execute_unprepared(delete).await.unwrap();
        migration.down(&manager).await.unwrap();
        assert_eq!(definition(store).await, before);
    }
}

pub(crate) async fn a_column_that_cannot_be_replaced_is_left_alone(store: &Store) {
    let create = |check: &str| {
        format!("CREATE TABLE accounts (id integer PRIMARY KEY, hash text NOT NULL {check})")
    };
    let plain = create("");
    let checked = create("CHECK (length(hash) > 3)");
    for (create, obstacle, reason) in [
        (&checked, "SELECT 1", "CHECK"),
        (&plain, "CREATE INDEX i ON accounts (hash)", "index"),
        (
            &plain,
            "CREATE TRIGGER t AFTER UPDATE ON accounts BEGIN DELETE FROM accounts; END",
            "trigger",
        ),
        (&plain, "CREATE VIEW v AS SELECT hash FROM accounts", "view"),
        (
            &plain,
            "ALTER TABLE accounts ADD COLUMN hash_nullable text",
            "hash_nullable",
        ),
    ] {
        let db = &store.db;
        db.execute_unprepared(create).await.unwrap();
        db.execute_unprepared(obstacle).await.unwrap();
        let insert = "INSERT INTO accounts (hash) VALUES ('$2y$12$Abc'), ('$2y$12$Def')";
        db.execute_unprepared(insert).await.unwrap();
        let before = definition(store).await;
        let migration = AllowUsersWithoutPassword::of("accounts", "hash");
        let refused = migration.up(&SchemaManager::new(db)).await.unwrap_err();
        assert!(refused.to_string().contains(reason), "{refused}");
        assert_eq!(definition(store).await, before);
        let kept = db
            .query_all_raw(statement(
                store,
                "SELECT 1 FROM accounts WHERE hash LIKE '$2y%'",
            ))
            .await;
        assert_eq!(kept.unwrap().len(), 2);
        for clear in ["DROP VIEW IF EXISTS v", "DROP TABLE accounts"] {
            db.execute_unprepared(clear).await.unwrap();
        }
    }
}

fn statement(store: &Store, sql: &str) -> Statement {
    Statement::from_string(store.db.get_database_backend(), sql)
}
