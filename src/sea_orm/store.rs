//! Transactions and the classification of database errors.

use std::{error::Error as StdError, fmt};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::error::ProvisionError;

/// Begins a transaction that writes. On SQLite it takes the write lock at once, because upgrading a
/// read lock fails after another writer's commit.
pub(super) async fn begin<C>(db: &C) -> Result<DatabaseTransaction, DbErr>
where
    C: TransactionTrait<Transaction = DatabaseTransaction>,
{
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
}

/// Rolls back a transaction in which a statement failed.
///
/// SQLite ends the transaction by itself if the disk is full or cannot be written. The driver's
/// `ROLLBACK` then fails, and the driver would regard the connection as inside a transaction from
/// then on: later writes on it would be reported as done and never be committed. `BEGIN` makes sure
/// that there is a transaction to roll back; if there is one already, `BEGIN` fails and changes
/// nothing.
pub(super) async fn roll_back(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Sqlite {
        let _ = transaction.execute_unprepared("BEGIN").await;
    }
    transaction.rollback().await
}

/// Returns whether a write lost a race: against a write of the same unique value, against the
/// removal of the row it refers to, or against the consumption of the same ticket. Another read
/// shows which.
pub(super) fn is_lost_race(error: &DbErr) -> bool {
    matches!(error, DbErr::RecordNotUpdated)
        || matches!(
            error.sql_err(),
            Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_))
        )
}

/// Parts of the drivers' debug output for errors after which the same write may succeed: the
/// database aborted one of two conflicting transactions.
const ABORTED: [&str; 4] = [
    // PostgreSQL: serialization failure, deadlock.
    r#"code: "40001""#,
    r#"code: "40P01""#,
    // MySQL and MariaDB: deadlock.
    "number: 1213,",
    // MariaDB from 11.6.2: the row changed since the snapshot (`innodb_snapshot_isolation`).
    "number: 1020,",
];

/// Returns whether the database aborted the transaction in favour of another, so that a retry may
/// succeed.
///
/// The application chooses the drivers, so their error types cannot be named here.
pub(super) fn is_aborted(error: &DbErr) -> bool {
    let shown = format!("{error:?}");
    ABORTED.iter().any(|code| shown.contains(code))
}

/// Returns whether a write refers to a missing row.
pub(super) fn is_dangling(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(SqlErr::ForeignKeyConstraintViolation(_))
    )
}

/// A database error. Its message may quote values from a token, so `Display` shows only connection
/// errors; the other messages are logged at debug.
#[derive(Debug)]
struct Failure(DbErr);

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            DbErr::Conn(_) | DbErr::ConnectionAcquire(_) => self.0.fmt(f),
            _ => f.write_str("the database failed a statement; its message is logged at debug"),
        }
    }
}

impl StdError for Failure {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

impl From<DbErr> for ProvisionError {
    fn from(error: DbErr) -> Self {
        tracing::debug!(%error, "the database failed");
        Self::unavailable(Failure(error))
    }
}
