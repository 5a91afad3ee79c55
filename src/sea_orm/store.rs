//! What every write has in common.

use std::{error::Error as StdError, fmt};

use sea_orm::{
    ConnectionTrait, DatabaseTransaction, DbBackend, DbErr, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

use crate::error::ProvisionError;

/// Starts a transaction that writes. SQLite takes the write lock at once: upgrading a read lock
/// fails where another writer came first.
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

/// Ends a transaction in which a statement failed.
///
/// SQLite ends it by itself where the disk is full or cannot be written, and the driver, whose
/// `ROLLBACK` then fails, would take the connection for one inside a transaction ever after: what is
/// written on it later would be answered as done, and never be committed. So there is a transaction
/// to end in any case; where there is one already, `BEGIN` fails and changes nothing.
pub(super) async fn roll_back(transaction: DatabaseTransaction) -> Result<(), DbErr> {
    if transaction.get_database_backend() == DbBackend::Sqlite {
        let _ = transaction.execute_unprepared("BEGIN").await;
    }
    transaction.rollback().await
}

/// Whether a write lost against another that holds the same unique value, against the removal of the
/// row it refers to, or against one that used the same ticket: reading again tells which.
pub(super) fn is_lost_race(error: &DbErr) -> bool {
    matches!(error, DbErr::RecordNotUpdated)
        || matches!(
            error.sql_err(),
            Some(SqlErr::UniqueConstraintViolation(_) | SqlErr::ForeignKeyConstraintViolation(_))
        )
}

/// What drivers show of an error after which the same write may well succeed: one of two writes that
/// stood in each other's way was given up.
const GIVEN_UP: [&str; 4] = [
    // PostgreSQL: serialization failure, deadlock.
    r#"code: "40001""#,
    r#"code: "40P01""#,
    // MySQL and MariaDB: deadlock.
    "number: 1213,",
    // MariaDB from 11.6.2: the row changed since the snapshot (`innodb_snapshot_isolation`).
    "number: 1020,",
];

/// Whether the database gave a write up for another's sake, and it should be tried again.
///
/// The drivers are the application's choice, so their error types cannot be named here.
pub(super) fn is_given_up(error: &DbErr) -> bool {
    let shown = format!("{error:?}");
    GIVEN_UP.iter().any(|code| shown.contains(code))
}

/// Whether a write refers to a row that is not there.
pub(super) fn is_dangling(error: &DbErr) -> bool {
    matches!(
        error.sql_err(),
        Some(SqlErr::ForeignKeyConstraintViolation(_))
    )
}

/// What a database did wrong. Its own message may quote values that came from a token, so only that
/// of a connection is shown; the others are logged at debug.
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
