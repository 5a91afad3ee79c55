//! A database that lives as long as its trial.

use std::{env, error::Error, time::Duration};

use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, DbErr,
    sqlx::sqlite::SqliteJournalMode,
};
use tempfile::TempDir;
use tokio::time::timeout;
use tower_jit_provisioning::sea_orm::migration;
use url::Url;
use uuid::Uuid;

/// The size of a database's pool.
pub(crate) const CONNECTIONS: u32 = 8;

/// Timeout for statements whose duration is not under test; long enough for slow machines.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// A kind of database, and the location of its server.
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

/// A fresh database, either with the bundled tables or empty.
pub(crate) struct TestDatabase {
    pub(crate) backend: Backend,
    pub(crate) db: DatabaseConnection,
    name: String,
    directory: TempDir,
}

impl TestDatabase {
    pub(crate) async fn create(
        backend: &Backend,
        with_tables: bool,
    ) -> Result<Self, Box<dyn Error>> {
        let mut database = Self {
            backend: backend.clone(),
            db: DatabaseConnection::default(),
            name: format!("tower_jit_test_{}", Uuid::new_v4().simple()),
            directory: TempDir::new()?,
        };
        database
            .on_server(&format!("CREATE DATABASE {}", database.name))
            .await?;
        let opened = match database.connect(CONNECTIONS).await {
            Ok(db) if with_tables => migration::run(&db).await.map(|()| db),
            connected => connected,
        };
        match opened {
            Ok(db) => database.db = db,
            Err(error) => {
                database.destroy().await?;
                return Err(error.into());
            }
        }
        Ok(database)
    }

    /// Drops the database and every connection to it.
    pub(crate) async fn destroy(&self) -> Result<(), DbErr> {
        // Fails after a check that closed the pool itself, and hangs after one that left locks.
        let _ = timeout(PATIENCE, self.db.close_by_ref()).await;
        self.on_server(&match self.backend {
            Backend::Postgres(_) => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Backend::Mysql(_) | Backend::Sqlite => format!("DROP DATABASE {}", self.name),
        })
        .await
    }

    /// Opens a separate pool to the database.
    pub(crate) async fn connect(&self, connections: u32) -> Result<DatabaseConnection, DbErr> {
        let mut options = self.options();
        options.max_connections(connections);
        Database::connect(options).await
    }

    /// Returns the URL of the trial's database: same server, same user, another database name.
    pub(crate) fn url(&self) -> String {
        match &self.backend {
            Backend::Mysql(url) | Backend::Postgres(url) => {
                let mut url = Url::parse(url).expect("a URL");
                url.set_path(&self.name);
                url.into()
            }
            Backend::Sqlite => {
                let path = self.directory.path().join(&self.name);
                format!("sqlite://{}?mode=rwc", path.display())
            }
        }
    }

    pub(crate) fn options(&self) -> ConnectOptions {
        let mut options = ConnectOptions::new(self.url());
        options.sqlx_logging(false).map_sqlx_sqlite_opts(|to| {
            to.journal_mode(SqliteJournalMode::Wal)
                .busy_timeout(PATIENCE)
        });
        options
    }

    /// Runs a statement on the server outside the trial's database; does nothing on SQLite.
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
}
