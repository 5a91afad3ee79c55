//! The transaction of a batch: repeated after a lost race, and announced to caches after the
//! commit.

use std::sync::Arc;

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};
use tokio::time::timeout;
use uuid::Uuid;

use super::{
    super::store,
    error::DirectoryError,
    report::{Effect, Report, ReportEntry},
    user_directory::UserDirectory,
};
use crate::principal::IdentityKey;

/// The number of attempts of a batch that loses races, within its deadline. A batch of an import
/// may race with a first login of each of its users.
const MAX_ATTEMPTS: usize = 32;

/// The work of one transaction. It may run several times, each time from the start.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Reads, before the transaction begins, which further users to lock. Inside the transaction
    /// such a read would fix the snapshot that MySQL and MariaDB use for all later reads.
    async fn further_users(&self, directory: &UserDirectory) -> Result<Vec<Uuid>, DbErr> {
        let _ = directory;
        Ok(Vec::new())
    }

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        further_users: &[Uuid],
    ) -> Result<Done<Self::Output>, DbErr>;
}

/// The result of a transaction.
pub(super) struct Done<T> {
    pub(super) output: T,
    /// Identities whose cached users are stale.
    pub(super) stale: Vec<IdentityKey>,
}

impl Done<Report> {
    /// Returns the result of a change to one user.
    pub(super) fn of_one(user: Uuid, effect: Effect) -> Self {
        let mut output = Report::default();
        output.extend([ReportEntry {
            user: Some(user),
            effect,
        }]);
        Self {
            output,
            stale: Vec::new(),
        }
    }
}

impl UserDirectory {
    /// Runs the work in its own task: a dropped caller leaves neither a partial batch nor a
    /// committed change without invalidation.
    pub(super) async fn transact<W: Work>(&self, work: W) -> Result<W::Output, DirectoryError> {
        let directory = self.clone();
        let writing = tokio::spawn(async move {
            timeout(directory.deadline, directory.execute(&work))
                .await
                .map_err(DirectoryError::unavailable)?
                .map_err(DirectoryError::from)
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(DirectoryError::unavailable(panic)))
    }

    async fn execute<W: Work>(&self, work: &W) -> Result<W::Output, DbErr> {
        let (transaction, done) = self.run_until_settled(work).await?;
        if self.is_dry_run {
            transaction.rollback().await?;
            return Ok(done.output);
        }
        // In the transaction, right before the commit: a bus of the database itself then notifies
        // other processes of exactly what was committed.
        if let Some(publisher) = &self.publisher
            && !done.stale.is_empty()
        {
            publisher.publish(&transaction, &done.stale).await?;
        }
        let _guard = InvalidateOnDrop {
            invalidate: self.invalidate.clone(),
            keys: done.stale,
        };
        // Not repeated: a COMMIT whose answer was lost may have succeeded.
        transaction.commit().await?;
        Ok(done.output)
    }

    async fn run_until_settled<W: Work>(
        &self,
        work: &W,
    ) -> Result<(DatabaseTransaction, Done<W::Output>), DbErr> {
        let mut attempt = 1;
        loop {
            match self.attempt(work).await {
                Err(error) if attempt < MAX_ATTEMPTS && is_conflict(&error) => attempt += 1,
                settled => return settled,
            }
        }
    }

    async fn attempt<W: Work>(
        &self,
        work: &W,
    ) -> Result<(DatabaseTransaction, Done<W::Output>), DbErr> {
        let further_users = work.further_users(self).await?;
        let transaction = store::begin(&self.db).await?;
        match work.run(self, &transaction, &further_users).await {
            Ok(done) => Ok((transaction, done)),
            Err(error) => {
                store::roll_back(transaction).await?;
                Err(error)
            }
        }
    }
}

/// Returns whether a concurrent write conflicted, so that a retry may succeed.
fn is_conflict(error: &DbErr) -> bool {
    store::is_lost_race(error) || store::is_aborted(error)
}

/// Invalidates the keys when dropped: after the commit, or if the result of the commit is unknown.
struct InvalidateOnDrop {
    invalidate: Option<Arc<dyn Fn(IdentityKey) + Send + Sync>>,
    keys: Vec<IdentityKey>,
}

impl Drop for InvalidateOnDrop {
    fn drop(&mut self) {
        if let Some(invalidate) = &self.invalidate {
            self.keys.iter().for_each(|key| invalidate(*key));
        }
    }
}
