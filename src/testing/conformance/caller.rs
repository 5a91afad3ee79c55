//! Whoever asks a provisioner in a check, and what is made of the answers.

use std::{
    collections::HashSet,
    fmt,
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
    check::{Failure, Rule, Violation, assert_threads},
    harness::{Harness, NotApplicable},
};
use crate::{
    error::ProvisionError,
    identity::Identity,
    provisioner::{Outcome, Provisioned, Provisioner},
    testing::TestIdentity,
};

pub(super) const ISSUER: &str = "https://id.example.com";
pub(super) const OTHER_ISSUER: &str = "https://other.example";

/// Deadline where speed is not what is checked: slow machines conform too.
const PATIENCE: Duration = Duration::from_secs(30);

/// How long what was abandoned may take to be gone.
const SETTLING: Duration = Duration::from_secs(5);

pub(super) fn person(subject: &str) -> TestIdentity {
    TestIdentity::new(ISSUER, subject)
}

/// An open handle to the harness's store.
pub(super) struct Caller<'h, H: Harness> {
    harness: &'h H,
    provisioner: Arc<H::Provisioner>,
}

impl<'h, H: Harness> Caller<'h, H> {
    pub(super) async fn new(harness: &'h H) -> Self {
        Self::with_deadline(harness, PATIENCE).await
    }

    pub(super) async fn with_deadline(harness: &'h H, deadline: Duration) -> Self {
        Self {
            harness,
            provisioner: Arc::new(harness.provisioner(deadline).await),
        }
    }

    pub(super) async fn several(harness: &'h H) -> Vec<Self> {
        let mut callers = Vec::new();
        for _ in 0..3 {
            callers.push(Self::new(harness).await);
        }
        callers
    }

    pub(super) async fn ask(&self, identity: &Identity) -> Answer {
        self.read(self.provisioner.provision(identity).await)
    }

    /// Asks on a task of its own, and hangs up as told: then there is no answer.
    pub(super) fn spawn(&self, identity: &Identity, hang_up: HangUp) -> Call<H> {
        let (provisioner, identity) = (Arc::clone(&self.provisioner), identity.clone());
        tokio::spawn(async move { hang_up.bound(provisioner.provision(&identity)).await })
    }

    pub(super) async fn hear(&self, call: Call<H>) -> Option<Answer> {
        match call.await {
            Ok(answer) => answer.map(|answer| self.read(answer)),
            Err(panic) => Some(Answer::Refused(ProvisionError::unavailable(panic))),
        }
    }

    pub(super) fn cached(&self, identity: &Identity) -> Option<Answer> {
        let provisioned = self.provisioner.cached(identity)?;
        Some(self.read(Ok(provisioned)))
    }

    /// Returns the roles that a token's user has: remembered of others, asked for, remembered of
    /// this one.
    pub(super) async fn roles(
        &self,
        rule: Rule,
        identity: &Identity,
    ) -> Result<Vec<Vec<String>>, Failure> {
        let mut users = Vec::from_iter(self.provisioner.cached(identity));
        let asked = self.provisioner.provision(identity).await;
        users.push(asked.map_err(|error| rule.violation(Answer::Refused(error)))?);
        users.extend(self.provisioner.cached(identity));
        let roles = users.iter().map(|it| self.harness.roles(it.user()));
        Ok(roles.collect::<Result<_, _>>()?)
    }

    fn read(&self, answer: Verdict<H>) -> Answer {
        match answer {
            Ok(provisioned) => Answer::User {
                id: self.harness.user_id(provisioned.user()),
                outcome: provisioned.outcome(),
            },
            Err(error) => Answer::Refused(error),
        }
    }
}

type Verdict<H> =
    Result<Provisioned<<<H as Harness>::Provisioner as Provisioner>::User>, ProvisionError>;

pub(super) type Call<H> = JoinHandle<Option<Verdict<H>>>;

/// When a client loses patience.
#[derive(Clone, Copy)]
pub(super) enum HangUp {
    /// After so many polls, while it waits for the next one.
    AfterPolls(usize),
    AfterTime(Duration),
    Never,
}

impl HangUp {
    async fn bound<T>(self, call: impl Future<Output = T> + Send) -> Option<T> {
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
                        Poll::Ready(answer) => Poll::Ready(Some(answer)),
                        Poll::Pending if polled == polls => Poll::Ready(None),
                        Poll::Pending => Poll::Pending,
                    }
                })
                .await
            }
        }
    }
}

/// What a provisioner answered, as far as a check cares.
#[derive(Clone, Debug)]
pub(super) enum Answer {
    Refused(ProvisionError),
    User { id: String, outcome: Outcome },
}

impl Answer {
    /// Returns the user's id.
    pub(super) fn user(&self, rule: Rule) -> Result<&str, Violation> {
        match self {
            Self::Refused(_) => Err(rule.violation(self)),
            Self::User { id, .. } => Ok(id),
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Refused(_) => None,
            Self::User { outcome, .. } => Some(*outcome),
        }
    }

    /// Asserts what was done, and returns the user's id.
    pub(super) fn expect(&self, rule: Rule, expected: Outcome) -> Result<&str, Violation> {
        rule.holds(self.outcome() == Some(expected), self)?;
        self.user(rule)
    }

    /// Asserts that this user was there before.
    pub(super) fn expect_known(&self, rule: Rule, id: &str) -> Result<(), Violation> {
        let is_known = matches!(self.outcome(), Some(Outcome::Found | Outcome::Updated));
        rule.holds(is_known && self.user(rule)? == id, self)
    }

    /// Asserts a refusal with this label.
    pub(super) fn expect_refusal(&self, rule: Rule, reason: &str) -> Result<(), Violation> {
        rule.holds(self.is_refusal(reason), self)
    }

    pub(super) fn is_refusal(&self, reason: &str) -> bool {
        matches!(self, Self::Refused(error) if error.reason() == reason)
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { id, outcome } => write!(f, "{} user {id}", outcome.as_str()),
            Self::Refused(ProvisionError::Unavailable(cause)) => write!(f, "unavailable: {cause}"),
            Self::Refused(error) => write!(f, "refused: {}", error.reason()),
        }
    }
}

/// Asserts that everybody got a user, and all the same one.
pub(super) fn assert_one_id(rule: Rule, answers: &[Answer]) -> Result<(), Violation> {
    let mut ids = HashSet::new();
    for answer in answers {
        ids.insert(answer.user(rule)?);
    }
    rule.holds(
        ids.len() == 1,
        format!("{} users of one identity", ids.len()),
    )
}

/// Asks so many times at once, in turns through the callers, each on a task of its own that starts
/// when all are ready.
pub(super) async fn at_once<H: Harness>(
    callers: &[Caller<'_, H>],
    identities: &[Identity],
) -> Vec<Answer> {
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
    let mut answers = Vec::with_capacity(calls.len());
    for (caller, call) in calls {
        answers.extend(caller.hear(call).await);
    }
    answers
}

/// Asserts how many there are, as soon as what was abandoned is gone.
pub(super) async fn settles<F>(
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
        if began.elapsed() > SETTLING {
            return Err(rule.violation(format!("{counted}, not {expected}")).into());
        }
        sleep(Duration::from_millis(10)).await;
    }
}
