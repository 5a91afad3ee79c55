//! The provisioner itself: flaws in what it does, what it waits for, and what it reports.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tokio::{
    task::yield_now,
    time::{sleep, timeout},
};
use tower_jit_provisioning::{
    DenialReason, Identity, IdentityKey, MemoryProvisioner, MemoryUser, Outcome, ProvisionError,
    Provisioned, Provisioner, UserStatus,
    provisioner::{Candidate, Decision, Entry, LinkPermit, Standing},
    testing::conformance::{RecordedIdentity, StoreFault},
};

use super::{
    Flaw, Ledger,
    rewriting::{is_closed, is_limited, keyed, links, rewritten, unruled},
};

type Verdict = Result<Provisioned<MemoryUser>, ProvisionError>;

/// What a handle remembers of the tokens it has seen.
type Cache = HashMap<Remembered, Provisioned<MemoryUser>>;

type Remembered = (IdentityKey, Option<String>, Vec<String>);

#[derive(Clone)]
pub(crate) struct Flawed {
    pub(super) users: MemoryProvisioner,
    ledger: Ledger,
    deadline: Duration,
    cache: Arc<Mutex<Cache>>,
    turn: Arc<tokio::sync::Mutex<()>>,
}

impl Flawed {
    pub(super) fn new(ledger: Ledger, users: MemoryProvisioner, deadline: Duration) -> Self {
        Self {
            users,
            ledger,
            deadline,
            cache: Arc::default(),
            turn: Arc::default(),
        }
    }

    pub(super) fn forget(&self) {
        self.cache.lock().unwrap().clear();
    }

    fn remembered(&self, asked: &Identity) -> Remembered {
        let roles = match self.ledger.flaw {
            Flaw::CachesRoles => Vec::new(),
            _ => asked.roles().as_slice().to_vec(),
        };
        (asked.key(), asked.full_name().map(str::to_owned), roles)
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.ledger.flaw == flaw
    }

    /// What the store takes an identity for.
    fn rewritten(&self, asked: &Identity) -> Identity {
        let mut facts = self.ledger.facts();
        let alias = facts.aliases.get(&asked.key()).cloned();
        let kind = alias.as_ref().map_or(asked.kind(), |alias| alias.kind());
        let identity = match alias.filter(|_| !self.is(Flaw::AdmitsAnybodysKind)) {
            Some(alias) => keyed(asked, alias.tenant(), alias.issuer(), alias.subject()).build(),
            None => rewritten(self.ledger.flaw, asked, kind),
        };
        facts.keys.insert(asked.key(), identity.key());
        identity
    }

    async fn bounded(
        &self,
        io: impl Future<Output = Result<(), ProvisionError>> + Send,
    ) -> Result<(), ProvisionError> {
        if self.is(Flaw::HasNoDeadline) {
            return io.await;
        }
        let answer = timeout(self.deadline, io).await;
        answer.map_err(ProvisionError::unavailable)?
    }

    async fn before(&self, asked: &Identity) -> Result<(), ProvisionError> {
        let marks = |it: &Self| it.ledger.facts().marked.contains(&asked.key());
        match self.ledger.flaw {
            Flaw::KeepsKnownOut if is_closed(asked) => Err(DenialReason::SignUpClosed.into()),
            Flaw::RefusesForever if marks(self) => Err(DenialReason::Deactivated.into()),
            Flaw::RemembersFailures if marks(self) => Err(ProvisionError::unavailable("again")),
            Flaw::MarksBusy => {
                for _ in 0..100 {
                    if self.ledger.facts().marked.insert(asked.key()) {
                        return Ok(());
                    }
                    sleep(Duration::from_millis(5)).await;
                }
                Err(ProvisionError::unavailable("somebody else is at it"))
            }
            Flaw::BlocksByAnyAddress => {
                let holder = asked
                    .email()
                    .and_then(|email| self.ledger.facts().holders.get(email.as_str()).cloned());
                match holder {
                    Some(holder) if holder.key() != asked.key() => Err(ProvisionError::Conflict),
                    _ => Ok(()),
                }
            }
            Flaw::LinksVouched if !links(asked) => {
                self.become_holder(asked);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Makes the identity an alias of the user that holds its address.
    fn become_holder(&self, asked: &Identity) -> bool {
        let mut facts = self.ledger.facts();
        let email = asked.vouched_email();
        let holder = email.and_then(|email| facts.holders.get(email.as_str()).cloned());
        let Some(holder) = holder.filter(|it| it.key() != asked.key()) else {
            return false;
        };
        facts.aliases.insert(asked.key(), holder);
        true
    }

    async fn join(&self, asked: &Identity, identity: Identity, is_known: bool) -> Verdict {
        if self.is(Flaw::InsertsInSteps) && !is_known {
            self.ledger.facts().strays += 1;
            yield_now().await;
            let answer = self.write(asked, &identity, is_known).await;
            self.ledger.facts().strays -= 1;
            return answer;
        }
        // Detached: a client that hangs up takes nothing with it.
        let (writer, asked) = (self.clone(), asked.clone());
        let writing = async move { writer.write(&asked, &identity, is_known).await };
        let answer = tokio::spawn(writing).await.unwrap();
        if self.is(Flaw::WritesEventsLater) && is_creation(&answer) {
            yield_now().await;
            self.ledger.facts().events += 1;
        }
        answer
    }

    async fn write(&self, asked: &Identity, identity: &Identity, is_known: bool) -> Verdict {
        if let Err(error) = self.bounded(self.ledger.io(true)).await {
            if self.is(Flaw::LeavesStalledHalves) {
                self.ledger.facts().strays += 1;
            }
            return Err(error);
        }
        if self.ledger.fault() == Some(StoreFault::FailsHalfWay) {
            if self.is(Flaw::LeavesFailedHalves) {
                self.ledger.facts().strays += 1;
            }
            return Err(ProvisionError::unavailable("the other table is down"));
        }
        let answer = match self.ledger.flaw {
            Flaw::LocksInTheProcess | Flaw::ReadsThenInserts if !is_known => {
                self.insert(asked, identity).await
            }
            _ => self.users.provision(identity).await,
        };
        let is_lost_race = !is_known
            && answer
                .as_ref()
                .is_ok_and(|it| it.outcome() == Outcome::Found);
        self.note(asked, &answer);
        match self.ledger.flaw {
            Flaw::BlocksByOwnAddress if is_lost_race && asked.vouched_email().is_some() => {
                Err(ProvisionError::Conflict)
            }
            Flaw::TellsAllCreated if is_lost_race => answer.and_then(|it| {
                Provisioned::created(Arc::clone(it.user()), unruled(asked).admit()?)
            }),
            Flaw::TellsAllLinked if is_lost_race && links(asked) => {
                answer.and_then(|it| Ok(Provisioned::linked(Arc::clone(it.user()), permit(asked)?)))
            }
            _ => answer,
        }
    }

    /// Inserts a user even if another request did so meanwhile: there is no unique index.
    async fn insert(&self, asked: &Identity, identity: &Identity) -> Verdict {
        let subject = format!("{} {}", identity.subject(), self.users.len());
        let alias = keyed(identity, identity.tenant(), identity.issuer(), &subject).build();
        let answer = self.users.provision(&alias).await;
        if is_creation(&answer) {
            let mut facts = self.ledger.facts();
            facts.keys.insert(asked.key(), alias.key());
            facts.aliases.insert(asked.key(), alias);
        }
        answer
    }

    fn note(&self, asked: &Identity, answer: &Verdict) {
        let mut facts = self.ledger.facts();
        let is_creation = is_creation(answer);
        let count = match self.ledger.flaw {
            Flaw::InsertsTwoEvents => 2 * u64::from(is_creation),
            Flaw::WritesEventsLater => 0,
            _ => u64::from(is_creation),
        };
        facts.events += count;
        if self.is(Flaw::WritesBeforeRefusing) && answer.is_err() {
            facts.strays += 1;
        }
        if let Ok(provisioned) = answer
            && provisioned.outcome() != Outcome::Found
        {
            facts.known.insert(asked.key());
        }
        if !is_creation {
            return;
        }
        if self.is(Flaw::AdmitsAnybodysKind) {
            facts.aliases.insert(asked.key(), asked.clone());
        }
        let subject = match self.ledger.flaw {
            Flaw::FoldsRecords => asked.subject().trim().to_lowercase(),
            _ => asked.subject().to_owned(),
        };
        let issuer = asked.issuer().to_owned();
        let recorded = RecordedIdentity { issuer, subject };
        facts.recorded.insert(asked.key(), recorded);
        if let Some(email) = asked.email() {
            facts
                .holders
                .insert(email.as_str().to_owned(), asked.clone());
        }
    }

    async fn after(&self, asked: &Identity, identity: &Identity, answer: Verdict) -> Verdict {
        let mark = |it: &Self| it.ledger.facts().marked.insert(asked.key());
        match (self.ledger.flaw, answer) {
            (Flaw::DeniesOnErrors, Err(ProvisionError::Unavailable(_))) => {
                Err(DenialReason::RuleFailed.into())
            }
            (Flaw::IgnoresLimits, Err(ProvisionError::Denied(DenialReason::SignUpClosed)))
                if is_limited(asked) =>
            {
                self.join(asked, unruled(identity), false).await
            }
            (
                Flaw::IgnoresRules,
                Err(ProvisionError::Denied(DenialReason::RuleFailed | DenialReason::NoRole)),
            ) => self.join(asked, unruled(identity), false).await,
            (Flaw::LinksAnyConflict, Err(ProvisionError::Conflict)) if links(asked) => {
                match self.become_holder(asked) {
                    true => self.users.provision(&self.rewritten(asked)).await,
                    false => Err(ProvisionError::Conflict),
                }
            }
            (Flaw::MakesRowsAlways, answer) => {
                self.ledger.facts().strays += 1;
                answer
            }
            (Flaw::MarksBusy, answer) => {
                self.ledger.facts().marked.remove(&asked.key());
                answer
            }
            (Flaw::Reactivates, Err(ProvisionError::Denied(reason)))
                if reason != DenialReason::SignUpClosed && reason != DenialReason::KindMismatch =>
            {
                self.users.set_status(identity.key(), UserStatus::Active);
                self.users.provision(identity).await
            }
            (Flaw::RefusesForever, Err(ProvisionError::Denied(DenialReason::Deactivated))) => {
                mark(self);
                Err(DenialReason::Deactivated.into())
            }
            (Flaw::RemakesDeleted, Err(ProvisionError::Denied(DenialReason::Deleted))) => {
                self.insert(asked, identity).await
            }
            (Flaw::RemembersFailures, Err(error @ ProvisionError::Unavailable(_))) => {
                mark(self);
                Err(error)
            }
            (Flaw::UpdatesAlways, Ok(found)) if found.outcome() == Outcome::Found => {
                let entry = entry(asked, found.tokens_valid_after())?;
                Ok(Provisioned::updated(Arc::clone(found.user()), entry))
            }
            (_, answer) => answer,
        }
    }
}

/// Lets a known user in, whatever the policy of its issuer is.
fn entry(asked: &Identity, tokens_valid_after: Option<i64>) -> Result<Entry, ProvisionError> {
    let standing = Standing::new(UserStatus::Active, asked.kind());
    unruled(asked).enter(standing.with_tokens_valid_after(tokens_valid_after), &[])
}

/// Links to a user with the address of the identity.
fn permit(asked: &Identity) -> Result<LinkPermit, ProvisionError> {
    let candidate = Candidate::new(UserStatus::Active, asked.kind(), "mailbox", false);
    match asked.decide(Some(&candidate), None)? {
        Decision::Link(permit) => Ok(permit),
        Decision::Create(_) => Err(ProvisionError::Conflict),
    }
}

fn is_creation(answer: &Verdict) -> bool {
    matches!(answer, Ok(provisioned) if provisioned.outcome() == Outcome::Created)
}

#[async_trait]
impl Provisioner for Flawed {
    type User = MemoryUser;

    async fn provision(&self, asked: &Identity) -> Verdict {
        let _turn = match self.is(Flaw::LocksInTheProcess) {
            true => Some(self.turn.lock().await),
            false => None,
        };
        self.before(asked).await?;
        let identity = self.rewritten(asked);
        let known = self.users.cached(&identity);
        let is_known = self.ledger.facts().known.contains(&asked.key());
        let answer = match (self.bounded(self.ledger.io(false)).await, known) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(found)) if !self.is(Flaw::WritesAlways) => Ok(found),
            (Ok(()), _) => self.join(asked, identity.clone(), is_known).await,
        };
        let answer = self.after(asked, &identity, answer).await;
        if let Ok(provisioned) = &answer
            && let Ok(entry) = entry(asked, provisioned.tokens_valid_after())
        {
            let found = Provisioned::found(Arc::clone(provisioned.user()), entry);
            self.cache
                .lock()
                .unwrap()
                .insert(self.remembered(asked), found);
        }
        answer
    }

    fn cached(&self, asked: &Identity) -> Option<Provisioned<MemoryUser>> {
        let store = |identity: &Identity| self.users.cached(&self.rewritten(identity));
        match self.ledger.flaw {
            Flaw::CachesBySubject => store(asked).or_else(|| {
                let subject = asked.subject().trim().to_lowercase();
                store(&keyed(asked, "", asked.issuer(), &subject).build())
            }),
            Flaw::CachesCreations => {
                let user = Arc::clone(store(asked)?.user());
                Provisioned::created(user, unruled(asked).admit().ok()?).ok()
            }
            Flaw::CachesForever | Flaw::CachesLateLoads | Flaw::CachesRoles => {
                let found = self
                    .cache
                    .lock()
                    .unwrap()
                    .get(&self.remembered(asked))?
                    .clone();
                let revocation = found.tokens_valid_after();
                let is_fresh = revocation.is_none_or(|at| asked.issued_at() > Some(at));
                is_fresh.then_some(found)
            }
            Flaw::CachesRevoked => {
                let (tenant, issuer) = (asked.tenant(), asked.issuer());
                let undated = keyed(asked, tenant, issuer, asked.subject());
                store(&undated.with_issued_at(i64::MAX).build())
            }
            _ => store(asked),
        }
    }
}
