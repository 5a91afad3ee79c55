//! An empty database for one trial.

use std::{env, error::Error};

use sea_orm::{ConnectOptions, ConnectionTrait, DatabaseConnection, DbErr};
use tempfile::TempDir;
use uuid::Uuid;

/// A kind of database and the URL of its server.
#[derive(Clone)]
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

pub(crate) struct Database {
    backend: Backend,
    name: String,
    folder: TempDir,
}

impl Database {
    pub(crate) async fn create(backend: Backend) -> Result<Self, Box<dyn Error>> {
        let database = Self {
            backend,
            name: format!("tower_jit_server_{}", Uuid::now_v7().simple()),
            folder: TempDir::new()?,
        };
        let statement = format!("CREATE DATABASE {}", database.name);
        database.on_server(&statement).await?;
        Ok(database)
    }

    /// Drops the database, even while a server is connected to it.
    pub(crate) async fn destroy(&self) -> Result<(), DbErr> {
        self.on_server(&match self.backend {
            Backend::Postgres(_) => format!("DROP DATABASE {} WITH (FORCE)", self.name),
            Backend::Mysql(_) | Backend::Sqlite => format!("DROP DATABASE {}", self.name),
        })
        .await
    }

    /// Returns the URL of the trial's database: same server and user, different name.
    pub(crate) fn url(&self) -> String {
        match &self.backend {
            Backend::Mysql(url) | Backend::Postgres(url) => {
                let (scheme, rest) = url.split_once("://").expect("a URL");
                let authority = rest.split(['/', '?']).next().unwrap_or_default();
                format!("{scheme}://{authority}/{}", self.name)
            }
            Backend::Sqlite => {
                let path = self.folder.path().join(&self.name);
                format!("sqlite://{}?mode=rwc", path.display())
            }
        }
    }

    pub(crate) async fn connect(&self) -> Result<DatabaseConnection, DbErr> {
        connect(&self.url()).await
    }

    /// Runs a statement outside of the trial's database. Does nothing for SQLite.
    async fn on_server(&self, statement: &str) -> Result<(), DbErr> {
        let server = match &self.backend {
            Backend::Mysql(url) | Backend::Postgres(url) => connect(url).await?,
            Backend::Sqlite => return Ok(()),
        };
        server.execute_unprepared(statement).await?;
        server.close().await
    }
}

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options.max_connections(1).sqlx_logging(false);
    sea_orm::Database::connect(options).await
}
