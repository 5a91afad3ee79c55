//! A database that lives as long as its trial, and what checks say about it.

use std::{
    env,
    error::Error,
    sync::{Arc, Mutex},
    time::Duration,
};

use sea_orm::{
    ActiveModelTrait, ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr,
    EntityTrait, IntoActiveModel, QueryOrder, Statement, sqlx::sqlite::SqliteJournalMode,
};
use tempfile::TempDir;
use tokio::time::timeout;
use tower_jit_provisioning::{
    Email, Identity, ProvisionError, Provisioned, Provisioner,
    sea_orm::{
        SeaOrmProvisioner, User, UserMapping,
        entity::{now, role_grants, user_events, user_identities, users},
        migration,
    },
    testing::TestIdentity,
};
use uuid::Uuid;

pub(crate) const ISSUER: &str = "https://id.example.com";

/// The size of a store's pool.
pub(crate) const CONNECTIONS: u32 = 8;

/// Deadline of the provisioners whose deadline is not what is checked: slow machines pass too.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of database, and where its server is.
#[derive(Clone, Debug)]
pub(crate) enum Backend {
    Mysql(String),
    Postgres(String),
    Sqlite,
}

impl Backend {
    pub(crate) fn mysql() -> Result<Self, &'static str> {
        let url = env::var("TEST_MYSQL_URL");
        url.map(Self::Mysql)
            .map_err(|_| "TEST_MYSQL_URL is not set")
    }

    pub(crate) fn postgres() -> Result<Self, &'static str> {
        let url = env::var("TEST_POSTGRES_URL");
        url.map(Self::Postgres)
            .map_err(|_| "TEST_POSTGRES_URL is not set")
    }
}

/// A fresh database with the bundled tables.
pub(crate) struct Store {
    pub(crate) backend: Backend,
    /// What a check asks itself goes here, and is no statement of the provisioners.
    pub(crate) db: DatabaseConnection,
    name: String,
    directory: TempDir,
    statements: Arc<Mutex<Vec<String>>>,
}

impl Store {
    pub(crate) async fn create(
        backend: &Backend,
        with_tables: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let mut store = Self {
            backend: backend.clone(),
            db: DatabaseConnection::default(),
            name: format!("tower_jit_test_{}", Uuid::new_v4().simple()),
            directory: TempDir::new()?,
            statements: Arc::default(),
        };
        store
            .on_server(&format!("CREATE DATABASE {}", store.name))
            .await?;
        let opened = match store.connect(CONNECTIONS).await {
            Ok(db) if with_tables => migration::run(&db).await.map(|()| db),
            connected => connected,
        };
        match opened {
            Ok(db) => store.db = db,
            Err(error) => {
                store.destroy().await?;
                return Err(error.into());
            }
        }
        Ok(store)
    }

    /// Drops the database, whoever is still connected to it.
    pub(crate) async fn destroy(&self) -> Result<(), DbErr> {
        // Fails after a check that closed the pool itself, and hangs after one that left locks.
        let _ = timeout(PATIENCE, self.db.close_by_ref()).await;
        self.on_server(&match self.backend {
            Backend::Postgres(_) => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Backend::Mysql(_) | Backend::Sqlite => format!("DROP DATABASE {}", self.name),
        })
        .await
    }

    /// Opens a pool of its own to the database.
    pub(crate) async fn connect(&self, connections: u32) -> Result<DatabaseConnection, DbErr> {
        let mut options = self.options();
        options.max_connections(connections);
        Database::connect(options).await
    }

    /// Derives the URL of the trial's database: same server, same user, another name.
    pub(crate) fn options(&self) -> ConnectOptions {
        let name = self.name.clone();
        let mut options = match &self.backend {
            Backend::Mysql(url) => {
                let mut options = ConnectOptions::new(url);
                options.map_sqlx_mysql_opts(move |to| to.database(&name));
                options
            }
            Backend::Postgres(url) => {
                let mut options = ConnectOptions::new(url);
                options.map_sqlx_postgres_opts(move |to| to.database(&name));
                options
            }
            Backend::Sqlite => {
                let path = self.directory.path().join(name);
                let mut options =
                    ConnectOptions::new(format!("sqlite://{}?mode=rwc", path.display()));
                options.map_sqlx_sqlite_opts(|to| {
                    to.journal_mode(SqliteJournalMode::Wal)
                        .busy_timeout(PATIENCE)
                });
                options
            }
        };
        options.sqlx_logging(false);
        options
    }

    /// The URL of the trial's database, for another process.
    pub(crate) fn url(&self) -> String {
        match &self.backend {
            Backend::Mysql(url) | Backend::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").expect("a URL");
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                format!("{scheme}://{authority}/{}", self.name)
            }
            Backend::Sqlite => {
                let path = self.directory.path().join(&self.name);
                format!("sqlite://{}?mode=rwc", path.display())
            }
        }
    }

    /// Runs a statement outside of the trial's database; SQLite has no outside.
    async fn on_server(&self, statement: &str) -> Result<(), DbErr> {
        let mut options = match &self.backend {
            Backend::Mysql(url) | Backend::Postgres(url) => ConnectOptions::new(url),
            Backend::Sqlite => return Ok(()),
        };
        options.max_connections(1).sqlx_logging(false);
        let server = Database::connect(options).await?;
        server.execute_unprepared(statement).await?;
        server.close().await
    }

    /// The store's pool, with statements that [`statements`](Self::statements) tells.
    pub(crate) fn counted(&self) -> DatabaseConnection {
        let mut db = self.db.clone();
        let statements = Arc::clone(&self.statements);
        db.set_metric_callback(move |info| {
            statements.lock().unwrap().push(info.statement.sql.clone());
        });
        db
    }

    /// Makes a provisioner whose statements are [counted](Self::counted).
    pub(crate) fn provisioner(&self) -> SeaOrmProvisioner {
        SeaOrmProvisioner::new(self.counted())
            .with_deadline(PATIENCE)
            .with_max_writes(CONNECTIONS as usize / 2)
    }

    /// Takes what the provisioners have asked of the database so far, without `BEGIN` and `COMMIT`.
    pub(crate) fn statements(&self) -> Statements {
        Statements(std::mem::take(&mut *self.statements.lock().unwrap()))
    }

    /// Waits until the database has answered this many statements of the provisioners.
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

    /// Keeps everybody else from writing to `users`, but not from reading, until the returned
    /// connection is closed.
    pub(crate) async fn block_writes(&self) -> DatabaseConnection {
        self.block_writes_to("users").await
    }

    /// The same for a table of the application's own.
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

    /// Makes every `UPDATE` of `users` an error, and no lost race.
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

    /// Provisions with a provisioner of its own, as another process would.
    pub(crate) async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<User>, ProvisionError> {
        self.provisioner().provision(identity).await
    }

    /// Reads every row of every bundled table.
    pub(crate) async fn rows(&self) -> Rows {
        let events = user_events::Entity::find().order_by_asc(user_events::Column::Id);
        let grants = role_grants::Entity::find().order_by_asc(role_grants::Column::Id);
        let identities = user_identities::Entity::find().order_by_asc(user_identities::Column::Id);
        let users = users::Entity::find().order_by_asc(users::Column::Id);
        Rows {
            events: events.all(&self.db).await.unwrap(),
            grants: grants.all(&self.db).await.unwrap(),
            identities: identities.all(&self.db).await.unwrap(),
            users: users.all(&self.db).await.unwrap(),
        }
    }

    pub(crate) async fn user(&self, id: Uuid) -> users::Model {
        let user = users::Entity::find_by_id(id).one(&self.db).await.unwrap();
        user.expect("the user is still there")
    }

    pub(crate) async fn insert(&self, user: users::Model) -> users::Model {
        let row = user.into_active_model().reset_all();
        row.insert(&self.db).await.unwrap()
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

    /// Asserts that a refusal left every table as it was.
    pub(crate) async fn assert_refused(&self, identity: &Identity, reason: &str) {
        let before = self.rows().await;
        let refused = self.provision(identity).await;
        assert_eq!(refused.map_err(|error| error.reason()).err(), Some(reason));
        assert_eq!(self.rows().await, before, "a refusal wrote something");
    }
}

/// SQL, in the order it was sent.
#[derive(Debug)]
pub(crate) struct Statements(Vec<String>);

impl Statements {
    /// Returns each statement's verb and the table it is about.
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

/// Every row of the bundled tables.
#[derive(Debug, PartialEq)]
pub(crate) struct Rows {
    pub(crate) events: Vec<user_events::Model>,
    pub(crate) grants: Vec<role_grants::Model>,
    pub(crate) identities: Vec<user_identities::Model>,
    pub(crate) users: Vec<users::Model>,
}

impl Rows {
    /// Asserts that this many users exist, each with one identity and one `created` event.
    pub(crate) fn assert_created(&self, count: usize) {
        let ids = |of: &mut dyn Iterator<Item = Uuid>| {
            let mut ids: Vec<Uuid> = of.collect();
            ids.sort_unstable();
            ids
        };
        let users = ids(&mut self.users.iter().map(|user| user.id));
        assert_eq!(users.len(), count);
        let owners = ids(&mut self.identities.iter().map(|identity| identity.user_id));
        assert_eq!(owners, users, "a user without identity, or with two");
        assert!(self.events.iter().all(|event| event.event == "created"));
        let created = ids(&mut self.events.iter().map(|event| event.user_id));
        assert_eq!(created, users, "a user without event, or with two");
    }
}

/// A person at the usual issuer.
pub(crate) fn person(subject: &str) -> TestIdentity {
    TestIdentity::new(ISSUER, subject)
}

/// Somebody who signed up with a password and answered the mail.
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

/// Provisions all of them at once, each on a task of its own.
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
