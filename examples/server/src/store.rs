//! The database and its users.

use std::{fs::OpenOptions, os::unix::fs::OpenOptionsExt, path::Path, time::Duration};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbBackend, DbErr};
use tower_jit_provisioning::{
    CachedProvisioner,
    bus::{PostgresBus, PostgresPublisher},
    sea_orm::{SeaOrmProvisioner, User, migration::run_migrator},
};

use crate::{administration::ROLE, config::Config, migrations::Migrator};

pub type Users = CachedProvisioner<SeaOrmProvisioner>;

/// Connects and runs the migrations. If several replicas start at once, one of them runs them.
pub async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters);
    let creates = parameters
        .split('&')
        .any(|parameter| parameter == "mode=rwc");
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(2))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(move |sqlite| {
            if creates {
                create_privately(sqlite.get_filename());
            }
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "NORMAL")
                .busy_timeout(Duration::from_secs(2))
        });
    let db = Database::connect(options).await?;
    run_migrator::<Migrator>(&db).await?;
    Ok(db)
}

/// Returns the users without a cache, for commands that exit. On PostgreSQL, running servers are
/// notified of their changes.
pub fn provisioner(db: DatabaseConnection) -> SeaOrmProvisioner {
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    let users = SeaOrmProvisioner::new(db);
    match is_postgres {
        true => users.with_publisher(PostgresPublisher::default()),
        false => users,
    }
}

/// Returns the cached users. On PostgreSQL, other replicas' changes invalidate entries.
pub async fn users(db: DatabaseConnection, config: &Config) -> Result<Users, DbErr> {
    let is_postgres = db.get_database_backend() == DbBackend::Postgres;
    let users = provisioner(db).with_denial_events(config.denials_per_minute);
    let users = CachedProvisioner::new(users)
        .with_ttl(config.user_cache)
        .with_capacity(config.user_cache_capacity)
        .with_stale_for(config.stale_for, |user: &User| {
            let mut user = user.clone();
            user.roles.retain(|role| role != ROLE);
            Some(user)
        });
    if is_postgres {
        users.listen(PostgresBus::connect(&config.database_url).await?);
    }
    Ok(users)
}

/// Creates a SQLite file that only its owner can read: it holds password hashes.
fn create_privately(file: &Path) {
    // An in-memory database has a `file:` URI as its name.
    if !file.to_string_lossy().starts_with("file:") {
        let mut options = OpenOptions::new();
        // Errors are ignored: if the file cannot be created, opening the database reports it.
        let _ = options.write(true).create_new(true).mode(0o600).open(file);
    }
}
