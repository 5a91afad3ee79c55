//! `SeaOrmProvisioner` over tables of an application's own.

pub(crate) mod checks;
pub(crate) mod default_rows;
pub(crate) mod identities;
pub(crate) mod synchronisation;

use sea_orm::ConnectionTrait;
use tower_jit_provisioning::sea_orm::SeaOrmProvisioner;

use crate::{
    common::{
        database::{CONNECTIONS, PATIENCE},
        shapes::Shape,
    },
    fixture::Store,
};

/// A shape's tables and its provisioner.
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

    /// Returns the number of users and of identities.
    pub(crate) async fn counts(&self) -> (i64, i64) {
        let users = format!("SELECT COUNT(*) FROM {}", S::USERS);
        let identities = format!(
            "SELECT COUNT(*) FROM {} WHERE identity_key IS NOT NULL",
            S::IDENTITIES
        );
        (self.number(&users).await, self.number(&identities).await)
    }

    /// Returns all passwords.
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
