//! Migrates a table of password users: nullable passwords, and a table of identities.

#![expect(
    elided_lifetimes_in_paths,
    reason = "`MigrationTrait` elides these lifetimes, and async_trait requires equal signatures"
)]

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DbErr, sea_query::ColumnType};
use sea_orm_migration::{MigrationName, MigrationTrait, MigratorTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::migration::CreateIdentities;

/// The table before the migration. Ana has verified her address, Bo has not.
pub(crate) const BEFORE: &str = "
    CREATE TABLE accounts (
        id INTEGER PRIMARY KEY AUTOINCREMENT,
        email VARCHAR(254) NOT NULL UNIQUE,
        email_is_verified BOOLEAN NOT NULL,
        hashed_password VARCHAR(512) NOT NULL
    );
    INSERT INTO accounts (email, email_is_verified, hashed_password) VALUES
        ('ana@example.com', TRUE, '$argon2id$ana'),
        ('bo@example.com', FALSE, '$argon2id$bo');
";

pub(crate) struct Migrator;

impl MigratorTrait for Migrator {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        // The application's own migrations come first.
        vec![
            Box::new(AllowNoPassword),
            Box::new(CreateIdentities::beside(
                "accounts",
                "id",
                ColumnType::Integer,
            )),
        ]
    }
}

/// Makes the password nullable. SQLite cannot change a column, so a nullable copy replaces it.
struct AllowNoPassword;

impl MigrationName for AllowNoPassword {
    fn name(&self) -> &'static str {
        "m0002_allow_no_password"
    }
}

#[async_trait]
impl MigrationTrait for AllowNoPassword {
    async fn up(&self, manager: &SchemaManager) -> Result<(), DbErr> {
        let statements = "
            ALTER TABLE accounts ADD COLUMN password_or_null VARCHAR(512);
            UPDATE accounts SET password_or_null = hashed_password;
            ALTER TABLE accounts DROP COLUMN hashed_password;
            ALTER TABLE accounts RENAME COLUMN password_or_null TO hashed_password;
        ";
        let db = manager.get_connection();
        db.execute_unprepared(statements).await.map(drop)
    }
}
