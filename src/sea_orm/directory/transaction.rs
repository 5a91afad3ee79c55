//! One batch, one transaction: run again where it lost a race, announced when it is over.

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

/// How often a batch is run that lost against other writers, within its deadline. A batch of an
/// import may meet a first login for each of its users.
const MAX_ATTEMPTS: usize = 32;

/// What runs in one transaction. It may run several times, each time from the start.
#[async_trait]
pub(super) trait Work: Send + Sync + 'static {
    type Output: Send + 'static;

    /// Reads before the transaction begins which further users are to be locked. Within it, such a
    /// read would fix what MySQL and MariaDB show of everything read later.
    async fn witnesses(&self, directory: &UserDirectory) -> Result<Vec<Uuid>, DbErr> {
        let _ = directory;
        Ok(Vec::new())
    }

    async fn run(
        &self,
        directory: &UserDirectory,
        transaction: &DatabaseTransaction,
        witnesses: &[Uuid],
    ) -> Result<Done<Self::Output>, DbErr>;
}

/// What a transaction achieved.
pub(super) struct Done<T> {
    pub(super) output: T,
    /// Identities whose users are not what a cache remembers.
    pub(super) stale: Vec<IdentityKey>,
}

impl Done<Report> {
    /// The report of a change to one user.
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
    /// Runs on a task of its own: a caller that is dropped leaves neither half a batch nor a
    /// committed change that caches have not heard of.
    pub(super) async fn transact<W: Work>(&self, work: W) -> Result<W::Output, DirectoryError> {
        let directory = self.clone();
        let writing = tokio::spawn(async move {
            timeout(directory.deadline, directory.settle(&work))
                .await
                .map_err(DirectoryError::unavailable)?
                .map_err(DirectoryError::from)
        });
        writing
            .await
            .unwrap_or_else(|panic| Err(DirectoryError::unavailable(panic)))
    }

    async fn settle<W: Work>(&self, work: &W) -> Result<W::Output, DbErr> {
        let (transaction, done) = self.win(work).await?;
        if self.is_dry_run {
            transaction.rollback().await?;
            return Ok(done.output);
        }
        // Within the transaction, right before its end: a bus of the database's own then tells other
        // processes exactly what was committed.
        if let Some(publisher) = &self.publisher
            && !done.stale.is_empty()
        {
            publisher.publish(&transaction, &done.stale).await?;
        }
        let _announcement = Announcement {
            forget: self.forget.clone(),
            keys: done.stale,
        };
        // Not run again: a COMMIT whose answer is lost may have happened.
        transaction.commit().await?;
        Ok(done.output)
    }

    async fn win<W: Work>(
        &self,
        work: &W,
    ) -> Result<(DatabaseTransaction, Done<W::Output>), DbErr> {
        let mut attempt = 1;
        loop {
            match self.attempt(work).await {
                Err(error) if attempt < MAX_ATTEMPTS && is_passing(&error) => attempt += 1,
                settled => return settled,
            }
        }
    }

    async fn attempt<W: Work>(
        &self,
        work: &W,
    ) -> Result<(DatabaseTransaction, Done<W::Output>), DbErr> {
        let witnesses = work.witnesses(self).await?;
        let transaction = store::begin(&self.db).await?;
        match work.run(self, &transaction, &witnesses).await {
            Ok(done) => Ok((transaction, done)),
            Err(error) => {
                store::roll_back(transaction).await?;
                Err(error)
            }
        }
    }
}

/// Whether another write was in the way, and the batch may well succeed now.
fn is_passing(error: &DbErr) -> bool {
    store::is_lost_race(error) || store::is_given_up(error)
}

/// Forgets when it goes: after the commit, or where nobody knows whether there was one.
struct Announcement {
    forget: Option<Arc<dyn Fn(IdentityKey) + Send + Sync>>,
    keys: Vec<IdentityKey>,
}

impl Drop for Announcement {
    fn drop(&mut self) {
        if let Some(forget) = &self.forget {
            self.keys.iter().for_each(|key| forget(*key));
        }
    }
}
