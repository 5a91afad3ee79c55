//! Calls to the provisioner under test.

use std::{
    future::poll_fn,
    pin::pin,
    sync::Arc,
    task::Poll,
    time::{Duration, Instant},
};

use tokio::{
    sync::Barrier,
    task::JoinHandle,
    time::{sleep, timeout},
};

use super::{
    call_result::CallResult,
    check::assert_threads,
    harness::{Harness, NotApplicable},
    verdict::{Failure, Rule},
};
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{provisioned::Provisioned, provisioner::Provisioner},
    testing::identity::TestIdentity,
};

pub(super) const ISSUER: &str = "https://id.example.com";
pub(super) const OTHER_ISSUER: &str = "https://other.example";

/// The deadline for checks that do not measure time. Long enough for a slow machine.
const LONG_DEADLINE: Duration = Duration::from_secs(30);

/// The maximum time until the effects of abandoned calls have completed.
const MAX_DELAY: Duration = Duration::from_secs(5);

pub(super) fn person(subject: &str) -> TestIdentity {
    TestIdentity::new(ISSUER, subject)
}

/// A handle to the store of the harness, with its own provisioner.
pub(super) struct Caller<'h, H: Harness> {
    harness: &'h H,
    provisioner: Arc<H::Provisioner>,
}

impl<'h, H: Harness> Caller<'h, H> {
    pub(super) async fn new(harness: &'h H) -> Self {
        Self::with_deadline(harness, LONG_DEADLINE).await
    }

    pub(super) async fn with_deadline(harness: &'h H, deadline: Duration) -> Self {
        Self {
            harness,
            provisioner: Arc::new(harness.provisioner(deadline).await),
        }
    }

    /// Creates three handles, as three replicas of the application have.
    pub(super) async fn several(harness: &'h H) -> Vec<Self> {
        let mut callers = Vec::new();
        for _ in 0..3 {
            callers.push(Self::new(harness).await);
        }
        callers
    }

    pub(super) async fn provision(&self, identity: &Identity) -> CallResult {
        self.result(self.provisioner.provision(identity).await)
    }

    /// Calls the provisioner on its own task. The result is `None` if the call is cancelled.
    pub(super) fn spawn(&self, identity: &Identity, cancellation: Cancellation) -> Call<H> {
        let (provisioner, identity) = (Arc::clone(&self.provisioner), identity.clone());
        tokio::spawn(async move { cancellation.apply(provisioner.provision(&identity)).await })
    }

    pub(super) async fn join(&self, call: Call<H>) -> Option<CallResult> {
        match call.await {
            Ok(result) => result.map(|result| self.result(result)),
            Err(panic) => Some(CallResult::Refused(ProvisionError::unavailable(panic))),
        }
    }

    pub(super) fn cached(&self, identity: &Identity) -> Option<CallResult> {
        let provisioned = self.provisioner.cached(identity)?;
        Some(self.result(Ok(provisioned)))
    }

    /// Returns the roles of a token's user: as cached before the call, as returned by the call, and
    /// as cached after it.
    pub(super) async fn roles(
        &self,
        rule: Rule,
        identity: &Identity,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let mut users = Vec::from_iter(self.provisioner.cached(identity));
        let called = self.provisioner.provision(identity).await;
        users.push(called.map_err(|error| rule.violation(CallResult::Refused(error)))?);
        users.extend(self.provisioner.cached(identity));
        let roles = users.iter().map(|it| self.harness.roles(it.user()));
        Ok(roles.collect::<Result<_, _>>()?)
    }

    fn result(&self, result: ProvisionResult<H>) -> CallResult {
        match result {
            Ok(provisioned) => CallResult::User {
                id: self.harness.user_id(provisioned.user()),
                outcome: provisioned.outcome(),
            },
            Err(error) => CallResult::Refused(error),
        }
    }
}

type ProvisionResult<H> =
    Result<Provisioned<<<H as Harness>::Provisioner as Provisioner>::User>, ProvisionError>;

pub(super) type Call<H> = JoinHandle<Option<ProvisionResult<H>>>;

/// The point at which a call is cancelled.
#[derive(Clone, Copy)]
pub(super) enum Cancellation {
    /// After this many polls, if the future is still pending.
    AfterPolls(usize),
    AfterTime(Duration),
    Never,
}

impl Cancellation {
    async fn apply<T>(self, call: impl Future<Output = T> + Send) -> Option<T> {
        match self {
            Self::Never => Some(call.await),
            Self::AfterTime(time) => timeout(time, call).await.ok(),
            Self::AfterPolls(polls) => {
                let (mut call, mut polled) = (pin!(call), 0);
                poll_fn(|context| {
                    if polled == polls {
                        return Poll::Ready(None);
                    }
                    polled += 1;
                    match call.as_mut().poll(context) {
                        Poll::Ready(result) => Poll::Ready(Some(result)),
                        Poll::Pending if polled == polls => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await
            }
        }
    }
}

/// Calls the provisioner concurrently, once for each identity, with the callers in turn. Each call
/// has its own task, and all of them start together.
pub(super) async fn concurrently<H: Harness>(
    callers: &[Caller<'_, H>],
    identities: &[Identity],
) -> Vec<CallResult> {
    assert_threads();
    let ready = Arc::new(Barrier::new(identities.len()));
    let turns = callers.iter().cycle();
    let calls: Vec<_> = turns
        .zip(identities)
        .map(|(caller, identity)| {
            let provisioner = Arc::clone(&caller.provisioner);
            let (ready, identity) = (Arc::clone(&ready), identity.clone());
            let call = tokio::spawn(async move {
                ready.wait().await;
                Some(provisioner.provision(&identity).await)
            });
            (caller, call)
        })
        .collect();
    let mut results = Vec::with_capacity(calls.len());
    for (caller, call) in calls {
        results.extend(caller.join(call).await);
    }
    results
}

/// Asserts a count, and waits for it while abandoned calls may still change it.
pub(super) async fn assert_count<F>(
    rule: Rule,
    expected: u64,
    count: impl Fn() -> F + Send,
) -> Result<(), Failure>
where
    F: Future<Output = Result<u64, NotApplicable>> + Send,
{
    let began = Instant::now();
    loop {
        let counted = count().await?;
        if counted == expected {
            return Ok(());
        }
        if began.elapsed() > MAX_DELAY {
            return Err(rule
                .violation(format!("{counted} instead of {expected}"))
                .into());
        }
        sleep(Duration::from_millis(10)).await;
    }
}
