//! `SeaOrmProvisioner` over tables of an application's own: four shapes of `UserMapping`.

pub(crate) mod checks;
pub(crate) mod columns;
pub(crate) mod default_rows;
pub(crate) mod hooks;
pub(crate) mod link_table;
pub(crate) mod own_roles;
mod players;
pub(crate) mod synchronisation;
mod tables;

use async_trait::async_trait;
use sea_orm::{ConnectionTrait, DatabaseConnection, DbErr};
use sea_orm_migration::{MigrationTrait, SchemaManager};
use tower_jit_provisioning::sea_orm::{SeaOrmProvisioner, UserMapping};

use crate::fixture::{CONNECTIONS, PATIENCE, Store};

/// A mapping, and what checks ask of its tables.
#[async_trait]
#[allow(
    dead_code,
    reason = "shared by two test binaries, one of which reads all of it"
)]
pub(crate) trait Shape: UserMapping + Default {
    /// The users' table.
    const USERS: &str;

    /// The table with the identities: the users' own, or one beside it.
    const IDENTITIES: &str;

    /// Selects users by an `identity_key` that follows, `')` after it.
    const IDENTIFIED_BY: &str;

    fn migrations() -> Vec<Box<dyn MigrationTrait>>;

    fn id(user: &Self::User) -> String;

    /// `None` if users have none.
    fn roles(_: &Self::User) -> Option<Vec<String>> {
        None
    }

    async fn create_tables(store: &Store) {
        let manager = SchemaManager::new(&store.db);
        for migration in Self::migrations() {
            migration.up(&manager).await.unwrap();
        }
    }

    /// Adds somebody who signed up with a password; returns the id.
    async fn import(
        db: &DatabaseConnection,
        address: &str,
        verified_by: &str,
    ) -> Result<String, DbErr>;
}

/// The password that [`Shape::import`] gives.
pub(crate) const HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA";

/// A shape's tables, and its provisioner.
pub(crate) struct Shaped<'a, S: Shape> {
    pub(crate) store: &'a Store,
    pub(crate) provisioner: SeaOrmProvisioner<S>,
}

impl<'a, S: Shape> Shaped<'a, S> {
    pub(crate) async fn create(store: &'a Store) -> Self {
        S::create_tables(store).await;
        let provisioner = SeaOrmProvisioner::with_mapping(store.counted(), S::default())
            .with_deadline(PATIENCE)
            .with_max_writes(CONNECTIONS as usize / 2);
        Self { store, provisioner }
    }

    pub(crate) async fn import(&self, address: &str) -> String {
        S::import(&self.store.db, address, "mailbox").await.unwrap()
    }

    /// Counts users, and identities.
    pub(crate) async fn counts(&self) -> (i64, i64) {
        let users = format!("SELECT COUNT(*) FROM {}", S::USERS);
        let identities = format!(
            "SELECT COUNT(*) FROM {} WHERE identity_key IS NOT NULL",
            S::IDENTITIES
        );
        (self.number(&users).await, self.number(&identities).await)
    }

    /// Reads the password of everybody who has one.
    pub(crate) async fn passwords(&self) -> Vec<String> {
        let select = format!(
            "SELECT hashed_password FROM {} WHERE hashed_password IS NOT NULL",
            S::USERS
        );
        let rows = self
            .store
            .db
            .query_all_raw(self.store.statement(&select))
            .await;
        let rows = rows.unwrap().into_iter();
        rows.map(|row| row.try_get_by_index(0).unwrap()).collect()
    }

    pub(crate) async fn execute(&self, statement: &str) {
        self.store.db.execute_unprepared(statement).await.unwrap();
    }

    pub(crate) async fn number(&self, select: &str) -> i64 {
        let row = self
            .store
            .db
            .query_one_raw(self.store.statement(select))
            .await;
        row.unwrap().unwrap().try_get_by_index(0).unwrap()
    }
}
