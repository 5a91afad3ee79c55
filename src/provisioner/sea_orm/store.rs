//! What every write has in common.

use sea_orm::{
    DatabaseConnection, DatabaseTransaction, DbErr, SqlErr, SqliteTransactionMode,
    TransactionOptions, TransactionTrait,
};

/// Starts a transaction that writes. SQLite takes the write lock at once: upgrading a read lock
/// fails where another writer came first.
pub(super) async fn begin(db: &DatabaseConnection) -> Result<DatabaseTransaction, DbErr> {
    db.begin_with_options(TransactionOptions {
        sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
        ..TransactionOptions::default()
    })
    .await
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
