//! The database of a trial, with the assertions of the checks.

use std::{
    error::Error,
    ops::Deref,
    sync::{Arc, Mutex},
};

use sea_orm::{
    ActiveModelTrait, ConnectionTrait, DatabaseConnection, EntityTrait, IntoActiveModel, Statement,
};
use tokio::time::timeout;
use tower_jit_provisioning::{
    Identity, ProvisionError, Provisioned, Provisioner,
    sea_orm::{
        SeaOrmProvisioner, User, UserMapping,
        entity::{now, role_grants, users},
    },
    testing::TestIdentity,
};
use uuid::Uuid;

use crate::common::database::{Backend, CONNECTIONS, PATIENCE, TestDatabase};

pub(crate) const ISSUER: &str = "https://id.example.com";

/// A database that counts the statements of its provisioners. Statements of the checks go through
/// [`TestDatabase::db`] and are not counted.
pub(crate) struct Store {
    database: TestDatabase,
    statements: Arc<Mutex<Vec<String>>>,
}

impl Deref for Store {
    type Target = TestDatabase;

    fn deref(&self) -> &TestDatabase {
        &self.database
    }
}

impl Store {
    pub(crate) async fn create(
        backend: &Backend,
        with_tables: bool,
    ) -> Result<Self, Box<dyn Error>> {
        Ok(Self {
            database: TestDatabase::create(backend, with_tables).await?,
            statements: Arc::default(),
        })
    }

    /// Returns the store's pool; its statements are recorded for [`statements`](Self::statements).
    pub(crate) fn counted(&self) -> DatabaseConnection {
        let mut db = self.db.clone();
        let statements = Arc::clone(&self.statements);
        db.set_metric_callback(move |info| {
            statements.lock().unwrap().push(info.statement.sql.clone());
        });
        db
    }

    /// Returns a provisioner whose statements are [counted](Self::counted).
    pub(crate) fn provisioner(&self) -> SeaOrmProvisioner {
        SeaOrmProvisioner::new(self.counted())
            .with_deadline(PATIENCE)
            .with_max_writes(CONNECTIONS as usize / 2)
    }

    /// Takes the statements that the provisioners have sent so far, without `BEGIN` and `COMMIT`.
    pub(crate) fn statements(&self) -> Statements {
        Statements(std::mem::take(&mut *self.statements.lock().unwrap()))
    }

    /// Waits until the database has completed this many statements of the provisioners.
    pub(crate) async fn statements_answered(&self, count: usize) {
        let answered = async {
            while self.statements.lock().unwrap().len() < count {
                tokio::task::yield_now().await;
            }
        };
        let in_time = timeout(PATIENCE, answered).await;
        assert!(in_time.is_ok(), "{:?}", self.statements());
    }

    pub(crate) fn statement(&self, sql: &str) -> Statement {
        Statement::from_string(self.db.get_database_backend(), sql)
    }

    /// Prevents other connections from writing to `users` until the returned connection is closed.
    pub(crate) async fn block_writes(&self) -> DatabaseConnection {
        self.block_writes_to("users").await
    }

    /// Makes every `UPDATE` of `users` fail with an error other than a lost race.
    pub(crate) async fn refuse_updates_of_users(&self) {
        let refusal = match self.backend {
            Backend::Mysql(_) => {
                "CREATE TRIGGER refusal BEFORE UPDATE ON users FOR EACH ROW \
                 SIGNAL SQLSTATE '45000' SET MESSAGE_TEXT = 'refused'"
            }
            Backend::Postgres(_) => {
                "CREATE FUNCTION refuse() RETURNS trigger LANGUAGE plpgsql \
                 AS $$ BEGIN RAISE EXCEPTION 'refused'; END $$; \
                 CREATE TRIGGER refusal BEFORE UPDATE ON users \
                 FOR EACH ROW EXECUTE FUNCTION refuse()"
            }
            Backend::Sqlite => {
                "CREATE TRIGGER refusal BEFORE UPDATE ON users \
                 BEGIN SELECT RAISE(ABORT, 'refused'); END"
            }
        };
        self.db.execute_unprepared(refusal).await.unwrap();
    }

    pub(crate) async fn allow_updates_of_users(&self) {
        let allow = match self.backend {
            Backend::Mysql(_) | Backend::Sqlite => "DROP TRIGGER refusal",
            Backend::Postgres(_) => "DROP TRIGGER refusal ON users",
        };
        self.db.execute_unprepared(allow).await.unwrap();
    }

    /// Provisions with a separate provisioner, as another process would.
    pub(crate) async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<User>, ProvisionError> {
        self.provisioner().provision(identity).await
    }

    pub(crate) async fn user(&self, id: Uuid) -> users::Model {
        let user = users::Entity::find_by_id(id).one(&self.db).await.unwrap();
        user.expect("the user is still there")
    }

    /// Overwrites a user's row.
    pub(crate) async fn update(&self, user: users::Model) {
        let row = user.into_active_model().reset_all();
        row.update(&self.db).await.unwrap();
    }

    pub(crate) async fn grant(&self, user: &User, role: &str, source: &str) {
        let grant = role_grants::Model {
            id: Uuid::now_v7(),
            tenant: user.tenant.clone(),
            user_id: user.id,
            role: role.to_owned(),
            source: source.to_owned(),
            created_at: now(),
        };
        let row = grant.into_active_model().reset_all();
        row.insert(&self.db).await.unwrap();
    }

    /// Asserts that a rejection left every table unchanged.
    pub(crate) async fn assert_refused(&self, identity: &Identity, reason: &str) {
        let before = self.rows().await;
        let refused = self.provision(identity).await;
        assert_eq!(refused.map_err(|error| error.reason()).err(), Some(reason));
        assert_eq!(self.rows().await, before, "a rejection wrote to the tables");
    }
}

/// SQL statements, in the order they were sent.
#[derive(Debug)]
pub(crate) struct Statements(Vec<String>);

impl Statements {
    /// Returns each statement's verb and table.
    pub(crate) fn verbs(&self) -> Vec<String> {
        self.0
            .iter()
            .map(|sql| {
                let plain = sql.replace(['"', '`', ','], " ");
                let verb = plain.split_whitespace().next().unwrap_or_default();
                let before_table = match verb {
                    "INSERT" => "INTO",
                    "UPDATE" => "UPDATE",
                    _ => "FROM",
                };
                let words = plain.split_whitespace();
                let table = words.skip_while(|word| *word != before_table).nth(1);
                format!("{verb} {}", table.unwrap_or_default())
            })
            .collect()
    }
}

/// Returns a person at the default issuer.
pub(crate) fn person(subject: &str) -> TestIdentity {
    TestIdentity::new(ISSUER, subject)
}

/// Provisions all identities concurrently, each on its own task.
pub(crate) async fn at_once<M: UserMapping>(
    provisioner: &SeaOrmProvisioner<M>,
    identities: impl IntoIterator<Item = Identity>,
) -> Vec<Result<Provisioned<M::User>, ProvisionError>> {
    let tasks: Vec<_> = identities
        .into_iter()
        .map(|identity| {
            let provisioner = provisioner.clone();
            tokio::spawn(async move { provisioner.provision(&identity).await })
        })
        .collect();
    let mut answers = Vec::with_capacity(tasks.len());
    for task in tasks {
        answers.push(task.await.unwrap());
    }
    answers
}
