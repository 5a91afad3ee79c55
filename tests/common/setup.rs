//! Preparation of a database before a check: users of the application, and locks.

use sea_orm::{ActiveModelTrait, ConnectionTrait, DatabaseConnection, IntoActiveModel};
use tower_jit_provisioning::{
    Email,
    sea_orm::entity::{now, users},
};

use super::database::{Backend, TestDatabase};

impl TestDatabase {
    pub(crate) async fn insert(&self, user: users::Model) -> users::Model {
        let row = user.into_active_model().reset_all();
        row.insert(&self.db).await.unwrap()
    }

    /// Prevents other connections from writing to a table until the returned connection is closed.
    /// Other connections can still read.
    pub(crate) async fn block_writes_to(&self, table: &str) -> DatabaseConnection {
        let blocker = self.connect(1).await.unwrap();
        let lock = match self.backend {
            Backend::Mysql(_) => format!("LOCK TABLES {table} READ"),
            Backend::Postgres(_) => format!("BEGIN; LOCK TABLE {table} IN SHARE MODE"),
            Backend::Sqlite => "BEGIN IMMEDIATE".to_owned(),
        };
        blocker.execute_unprepared(&lock).await.unwrap();
        blocker
    }
}

/// Returns a user who signed up with a password and proved the mailbox.
pub(crate) fn password_user(address: &str) -> users::Model {
    let email = Email::parse(address).expect("an address");
    users::Model {
        email: Some(address.to_owned()),
        email_key: Some(email.key("")),
        email_verified_by: Some("mailbox".to_owned()),
        full_name: Some("Ana Lind".to_owned()),
        hashed_password: Some("$argon2id$v=19$m=19456,t=2,p=1$c2FsdA$aGFzaA".to_owned()),
        last_seen_at: Some(now()),
        ..users::Model::new("")
    }
}
