//! Extension points: rows in the creating transaction, and notifications after it.

use std::panic::{AssertUnwindSafe, catch_unwind};

use async_trait::async_trait;
use sea_orm::{DatabaseTransaction, DbErr};

use crate::{identity::Identity, provisioner::Outcome};

/// Writes an application's own rows in the transaction that creates a user: a first project,
/// default settings.
///
/// An error rolls back the user, and the request is refused as unavailable. A unique or foreign key
/// violation counts as a lost race instead.
#[async_trait]
pub trait CreationHook<R>: Send + Sync + 'static {
    /// Inserts rows that belong to the new user.
    async fn on_create(
        &self,
        transaction: &DatabaseTransaction,
        identity: &Identity,
        user: &R,
    ) -> Result<(), DbErr>;
}

/// Observer of every user that was created, linked or updated, called after the commit.
///
/// Delivery is at most once: a process that ends between commit and call notifies no observer. The
/// rows of `user_events` are the complete record. Closures implement this trait. They run in the
/// writing task, so they should delegate slow work.
pub trait Observer<R: 'static>: Send + Sync + 'static {
    /// Called with a user that was created, linked or updated.
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

/// Calls an observer. A panic of the observer is logged and does not fail the request.
pub(super) fn notify<R: 'static>(
    observer: Option<&dyn Observer<R>>,
    outcome: Outcome,
    identity: &Identity,
    user: &R,
) {
    let Some(observer) = observer else {
        return;
    };
    let observed = catch_unwind(AssertUnwindSafe(|| {
        observer.observe(outcome, identity, user)
    }));
    if observed.is_err() {
        tracing::error!(
            outcome = outcome.as_str(),
            "an observer of provisioning panicked"
        );
    }
}
