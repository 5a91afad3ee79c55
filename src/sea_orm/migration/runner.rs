//! Runs migrations under a lock, so that replicas may start at once.

use sea_orm::{
    ConnectionTrait, DatabaseConnection, DbBackend, DbErr, DynIden, Statement, TransactionTrait,
    sea_query::{Alias, IntoIden},
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};

use super::{super::store, tables::all};

/// The name of the lock, and a number for backends whose locks have numbers.
const LOCK: (&str, i64) = ("tower_jit_provisioning", 0x746a_7031);

/// How long to wait for another replica's migration, in seconds.
const LOCK_TIMEOUT: u32 = 60;

/// Brings the bundled tables up to date; does nothing if they are.
///
/// # Errors
///
/// As [`run_migrator`].
pub async fn run(db: &DatabaseConnection) -> Result<(), DbErr> {
    run_migrator::<Bundled>(db).await
}

/// Runs an application's own migrator, with this crate's migrations spliced in or not, under the
/// lock.
///
/// Safe to call from several processes at once: one migrates, the others wait up to a minute. On
/// MySQL and MariaDB the pool needs two connections, and a migration that fails half way stays half
/// done, because these databases commit every change of schema by itself.
///
/// # Errors
///
/// If the lock was not obtained in time, or a statement fails.
pub async fn run_migrator<M: MigratorTrait + 'static>(
    db: &DatabaseConnection,
) -> Result<(), DbErr> {
    let backend = db.get_database_backend();
    match backend {
        DbBackend::Postgres => {
            let transaction = db.begin().await?;
            let lock = format!("SELECT pg_advisory_xact_lock({})", LOCK.1);
            let timeout = format!("SET LOCAL lock_timeout = '{LOCK_TIMEOUT}s'");
            transaction.execute_unprepared(&timeout).await?;
            transaction.execute_unprepared(&lock).await?;
            M::up(&transaction, None).await?;
            transaction.commit().await
        }
        DbBackend::MySql => {
            // On a task of its own: cancelled half way, it would leave the lock behind on a pooled
            // connection.
            let running = tokio::spawn(run_under_named_lock::<M>(db.clone()));
            running
                .await
                .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string())))
        }
        _ => {
            let transaction = store::begin(db).await?;
            M::up(&transaction, None).await?;
            transaction.commit().await
        }
    }
}

/// MySQL's and MariaDB's locks belong to a connection; the transaction only holds on to one.
async fn run_under_named_lock<M: MigratorTrait + 'static>(
    db: DatabaseConnection,
) -> Result<(), DbErr> {
    let guard = db.begin().await?;
    let lock = format!("SELECT GET_LOCK('{}', {LOCK_TIMEOUT}) AS held", LOCK.0);
    let lock = Statement::from_string(db.get_database_backend(), lock);
    let answer = guard.query_one_raw(lock).await?;
    let held: Option<i64> = answer.map(|row| row.try_get("", "held")).transpose()?;
    if held != Some(1) {
        let message = "another process holds the migration lock";
        return Err(DbErr::Custom(message.to_owned()));
    }
    // On a task of its own again: one that panics leaves the lock to be released.
    let migrating = tokio::spawn(async move { M::up(&db, None).await });
    let result = migrating
        .await
        .unwrap_or_else(|panic| Err(DbErr::Custom(panic.to_string())));
    let release = format!("DO RELEASE_LOCK('{}')", LOCK.0);
    guard.execute_unprepared(&release).await?;
    guard.commit().await?;
    result
}

struct Bundled;

impl MigratorTrait for Bundled {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        all()
    }

    fn migration_table_name() -> DynIden {
        Alias::new("tower_jit_provisioning_migrations").into_iden()
    }
}
