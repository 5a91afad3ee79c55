//! What an application adds to provisioning: rows in the creating transaction, and somebody who
//! hears of it afterwards.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use crate::{identity::Identity, provisioner::Outcome};

/// Writes an application's own rows in the transaction that creates a user: a first project, default
/// settings.
///
/// An error rolls the user back. It is no lost race unless it is a unique or foreign key violation,
/// and the request is refused as unavailable.
#[async_trait]
pub trait CreationHook<R>: Send + Sync + 'static {
    /// Writes beside the new user.
    async fn on_create(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &R,
    ) -> Result<(), DbErr>;
}

/// Hears of every user that was created, linked or updated, after the commit.
///
/// At most once: a process that ends between commit and call tells nobody. The row in `user_events`
/// is the truth. Closures qualify; they run on the writing task and should hand work on.
pub trait Observer<R: 'static>: Send + Sync + 'static {
    /// Takes note.
    fn observe(&self, outcome: Outcome, identity: &Identity, user: &R);
}

impl<R: 'static, F> Observer<R> for F
where
    F: Fn(Outcome, &Identity, &R) + Send + Sync + 'static,
{
    fn observe(&self, outcome: Outcome, identity: &Identity, user: &R) {
        self(outcome, identity, user);
    }
}

/// Tells an observer; what it does wrong is no fault of the user's.
pub(super) fn tell<R: 'static>(
    observer: Option<&dyn Observer<R>>,
    outcome: Outcome,
    identity: &Identity,
    user: &R,
) {
    let Some(observer) = observer else {
        return;
    };
    let told = catch_unwind(AssertUnwindSafe(|| {
        observer.observe(outcome, identity, user)
    }));
    if told.is_err() {
        tracing::error!(
            outcome = outcome.as_str(),
            "an observer of provisioning panicked"
        );
    }
}
