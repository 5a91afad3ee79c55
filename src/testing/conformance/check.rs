//! Running a check.

use std::{fmt, pin::Pin, sync::Arc, time::Duration};

use tokio::{
    runtime::{Handle, RuntimeFlavor},
    time::timeout,
};

use super::{
    harness::Harness,
    verdict::{Failure, Rule, Verdict},
};

/// The default time limit of a check.
const LIMIT: Duration = Duration::from_secs(120);

/// A check of one rule of the contract.
#[must_use]
pub struct Check<H> {
    name: &'static str,
    limit: Duration,
    run: for<'a> fn(&'a H) -> Checking<'a>,
}

/// The future of a running check.
pub(super) type Checking<'a> = Pin<Box<dyn Future<Output = Result<(), Failure>> + Send + 'a>>;

impl<H: Harness> Check<H> {
    pub(super) fn new(name: &'static str, run: for<'a> fn(&'a H) -> Checking<'a>) -> Self {
        Self {
            name,
            limit: LIMIT,
            run,
        }
    }

    /// Sets the time limit. A check that exceeds it counts as violated.
    ///
    /// Default: two minutes.
    pub fn with_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// Returns the name of the check, which is that of its function.
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Runs the check on a new store, and [closes](Harness::close) the store afterwards, also after
    /// a panic or a timeout.
    ///
    /// # Panics
    ///
    /// Panics on a current-thread runtime, because nothing would be concurrent there.
    pub async fn run<F>(&self, fresh: F) -> Verdict
    where
        F: Future<Output = H> + Send,
    {
        assert_threads();
        let rule = Rule("a check ends");
        let harness = Arc::new(fresh.await);
        let (run, subject) = (self.run, Arc::clone(&harness));
        // On its own task, so that a panic fails only this check.
        let mut task = tokio::spawn(async move { run(&subject).await });
        let verdict = match timeout(self.limit, &mut task).await {
            Ok(Ok(result)) => Verdict::from(result),
            Ok(Err(panic)) => Verdict::Violated(rule.violation(panic)),
            Err(_) => {
                task.abort();
                Verdict::Violated(rule.violation(format!("still running after {:?}", self.limit)))
            }
        };
        harness.close().await;
        verdict
    }
}

impl<H> fmt::Debug for Check<H> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Check").field(&self.name).finish()
    }
}

/// Panics on a current-thread runtime, where concurrent tasks do not race.
pub(super) fn assert_threads() {
    assert!(
        Handle::current().runtime_flavor() != RuntimeFlavor::CurrentThread,
        "conformance needs a multi-thread runtime: #[tokio::test(flavor = \"multi_thread\")]"
    );
}

#[cfg(test)]
mod tests {
    use std::{
        future::pending,
        sync::atomic::{AtomicBool, Ordering},
    };

    use async_trait::async_trait;

    use super::*;
    use crate::{
        error::ProvisionError,
        identity::Identity,
        provisioner::{
            Provisioned, Provisioner,
            memory::{MemoryProvisioner, MemoryUser},
        },
        testing::conformance::{
            NotApplicable, a_known_user_is_found, a_known_user_is_not_made_again, checks,
        },
    };

    /// Harness that panics when users are counted, and records that it was closed.
    #[derive(Default)]
    struct Panicking {
        users: MemoryProvisioner,
        is_closed: Arc<AtomicBool>,
    }

    #[async_trait]
    impl Harness for Panicking {
        type Provisioner = MemoryProvisioner;

        async fn provisioner(&self, _: Duration) -> MemoryProvisioner {
            self.users.clone()
        }

        fn user_id(&self, user: &MemoryUser) -> String {
            user.id.to_string()
        }

        async fn users(&self) -> Result<u64, NotApplicable> {
            panic!("cannot count {} users", self.users.len());
        }

        async fn close(&self) {
            self.is_closed.store(true, Ordering::SeqCst);
        }
    }

    /// Provisioner whose futures never complete.
    struct Stuck;

    #[async_trait]
    impl Provisioner for Stuck {
        type User = ();

        async fn provision(&self, _: &Identity) -> Result<Provisioned<()>, ProvisionError> {
            pending().await
        }
    }

    #[async_trait]
    impl Harness for Stuck {
        type Provisioner = Self;

        async fn provisioner(&self, _: Duration) -> Self {
            Self
        }

        fn user_id(&self, (): &()) -> String {
            String::new()
        }
    }

    fn check<H: Harness>(name: &str) -> Check<H> {
        let mut checks = checks().into_iter();
        checks.find(|check| check.name() == name).unwrap()
    }

    #[tokio::test]
    async fn the_function_of_a_check_fails_if_nothing_was_checked() {
        let harness = Panicking::default();
        assert_eq!(a_known_user_is_found(&harness).await, Ok(()));
        assert_eq!(
            a_known_user_is_not_made_again(&Stuck).await,
            Err(NotApplicable::new("users cannot be counted").into())
        );
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_check_that_panics_fails_and_its_store_is_closed() {
        let harness = Panicking::default();
        let is_closed = Arc::clone(&harness.is_closed);
        let check = check("a_known_user_is_not_made_again");
        let verdict = check.run(async { harness }).await;
        let Verdict::Violated(violation) = verdict else {
            panic!("{verdict:?}");
        };
        assert!(violation.found().contains("cannot count 0 users"));
        assert!(is_closed.load(Ordering::SeqCst));
    }

    #[tokio::test(flavor = "multi_thread")]
    async fn a_check_that_is_stuck_fails() {
        let check = check("a_known_user_is_found").with_limit(Duration::from_millis(50));
        let verdict = check.run(async { Stuck }).await;
        let Verdict::Violated(violation) = verdict else {
            panic!("{verdict:?}");
        };
        assert_eq!(violation.found(), "still running after 50ms");
    }

    #[tokio::test]
    #[should_panic(expected = "multi-thread runtime")]
    async fn a_single_thread_is_refused() {
        let check = check("a_known_user_is_found");
        check.run(async { Panicking::default() }).await;
    }
}
