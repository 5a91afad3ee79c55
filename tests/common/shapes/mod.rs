//! Tables of an application's own: shapes of `UserMapping`.

pub(crate) mod hooks;
pub(crate) mod link_table;
mod linked;
pub(crate) mod own_roles;
pub(crate) mod players;
mod tables;

use async_trait::async_trait;
use sea_orm::{DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::UserMapping;

use super::database::TestDatabase;

/// A mapping and its tables.
#[async_trait]
pub(crate) trait Shape: UserMapping + Default {
    /// Name of the users' table.
    const USERS: &str;

    /// Name of the table with the identities: the users' own, or a separate one.
    const IDENTITIES: &str;

    fn migrations() -> Vec<Box<dyn MigrationTrait>>;

    fn id(user: &Self::User) -> String;

    async fn create_tables(database: &TestDatabase) {
        let manager = SchemaManager::new(&database.db);
        for migration in Self::migrations() {
            migration.up(&manager).await.unwrap();
        }
    }

    /// Inserts a user who signed up with a password; returns the id.
    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr>;
}

/// The password hash that [`Shape::import`] stores.
pub(crate) const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";
