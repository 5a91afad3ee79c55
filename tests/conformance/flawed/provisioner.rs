//! The provisioner itself, with flaws in its actions, waits and reports.

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

/// The results a handle caches for the tokens it has seen.
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

    fn remembered(&self, requested: &Identity) -> Remembered {
        let roles = match self.ledger.flaw {
            Flaw::CachesRoles => Vec::new(),
            _ => requested.roles().as_slice().to_vec(),
        };
        (
            requested.key(),
            requested.full_name().map(str::to_owned),
            roles,
        )
    }

    fn is(&self, flaw: Flaw) -> bool {
        self.ledger.flaw == flaw
    }

    /// Returns the identity that the store uses in place of the given one.
    fn rewritten(&self, requested: &Identity) -> Identity {
        let mut facts = self.ledger.facts();
        let alias = facts.aliases.get(&requested.key()).cloned();
        let kind = alias
            .as_ref()
            .map_or(requested.kind(), |alias| alias.kind());
        let identity = match alias.filter(|_| !self.is(Flaw::AdmitsAnybodysKind)) {
            Some(alias) => {
                keyed(requested, alias.tenant(), alias.issuer(), alias.subject()).build()
            }
            None => rewritten(self.ledger.flaw, requested, kind),
        };
        facts.keys.insert(requested.key(), identity.key());
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

    async fn before(&self, requested: &Identity) -> Result<(), ProvisionError> {
        let marks = |it: &Self| it.ledger.facts().marked.contains(&requested.key());
        match self.ledger.flaw {
            Flaw::KeepsKnownOut if is_closed(requested) => Err(DenialReason::SignUpClosed.into()),
            Flaw::RefusesForever if marks(self) => Err(DenialReason::Deactivated.into()),
            Flaw::RemembersFailures if marks(self) => Err(ProvisionError::unavailable("again")),
            Flaw::MarksBusy => {
                for _ in 0..100 {
                    if self.ledger.facts().marked.insert(requested.key()) {
                        return Ok(());
                    }
                    sleep(Duration::from_millis(5)).await;
                }
                Err(ProvisionError::unavailable(
                    "another request is in progress",
                ))
            }
            Flaw::BlocksByAnyAddress => {
                let holder = requested
                    .email()
                    .and_then(|email| self.ledger.facts().holders.get(email.as_str()).cloned());
                match holder {
                    Some(holder) if holder.key() != requested.key() => {
                        Err(ProvisionError::Conflict)
                    }
                    _ => Ok(()),
                }
            }
            Flaw::LinksVouched if !links(requested) => {
                self.become_holder(requested);
                Ok(())
            }
            _ => Ok(()),
        }
    }

    /// Makes the identity an alias of the user that holds its address.
    fn become_holder(&self, requested: &Identity) -> bool {
        let mut facts = self.ledger.facts();
        let email = requested.vouched_email();
        let holder = email.and_then(|email| facts.holders.get(email.as_str()).cloned());
        let Some(holder) = holder.filter(|it| it.key() != requested.key()) else {
            return false;
        };
        facts.aliases.insert(requested.key(), holder);
        true
    }

    async fn join(&self, requested: &Identity, identity: Identity, is_known: bool) -> Verdict {
        if self.is(Flaw::InsertsInSteps) && !is_known {
            self.ledger.facts().strays += 1;
            yield_now().await;
            let answer = self.write(requested, &identity, is_known).await;
            self.ledger.facts().strays -= 1;
            return answer;
        }
        // Detached, so that a dropped request does not cancel the write.
        let (writer, requested) = (self.clone(), requested.clone());
        let writing = async move { writer.write(&requested, &identity, is_known).await };
        let answer = tokio::spawn(writing).await.unwrap();
        if self.is(Flaw::WritesEventsLater) && is_creation(&answer) {
            yield_now().await;
            self.ledger.facts().events += 1;
        }
        answer
    }

    async fn write(&self, requested: &Identity, identity: &Identity, is_known: bool) -> Verdict {
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
                self.insert(requested, identity).await
            }
            _ => self.users.provision(identity).await,
        };
        let is_lost_race = !is_known
            && answer
                .as_ref()
                .is_ok_and(|it| it.outcome() == Outcome::Found);
        self.note(requested, &answer);
        match self.ledger.flaw {
            Flaw::BlocksByOwnAddress if is_lost_race && requested.vouched_email().is_some() => {
                Err(ProvisionError::Conflict)
            }
            Flaw::TellsAllCreated if is_lost_race => answer.and_then(|it| {
                Provisioned::created(Arc::clone(it.user()), unruled(requested).admit()?)
            }),
            Flaw::TellsAllLinked if is_lost_race && links(requested) => answer.and_then(|it| {
                Ok(Provisioned::linked(
                    Arc::clone(it.user()),
                    permit(requested)?,
                ))
            }),
            _ => answer,
        }
    }

    /// Inserts a user even if another request has inserted one meanwhile: there is no unique index.
    async fn insert(&self, requested: &Identity, identity: &Identity) -> Verdict {
        let subject = format!("{} {}", identity.subject(), self.users.len());
        let alias = keyed(identity, identity.tenant(), identity.issuer(), &subject).build();
        let answer = self.users.provision(&alias).await;
        if is_creation(&answer) {
            let mut facts = self.ledger.facts();
            facts.keys.insert(requested.key(), alias.key());
            facts.aliases.insert(requested.key(), alias);
        }
        answer
    }

    fn note(&self, requested: &Identity, answer: &Verdict) {
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
            facts.known.insert(requested.key());
        }
        if !is_creation {
            return;
        }
        if self.is(Flaw::AdmitsAnybodysKind) {
            facts.aliases.insert(requested.key(), requested.clone());
        }
        let subject = match self.ledger.flaw {
            Flaw::FoldsRecords => requested.subject().trim().to_lowercase(),
            _ => requested.subject().to_owned(),
        };
        let issuer = requested.issuer().to_owned();
        let recorded = RecordedIdentity { issuer, subject };
        facts.recorded.insert(requested.key(), recorded);
        if let Some(email) = requested.email() {
            facts
                .holders
                .insert(email.as_str().to_owned(), requested.clone());
        }
    }

    async fn after(&self, requested: &Identity, identity: &Identity, answer: Verdict) -> Verdict {
        let mark = |it: &Self| it.ledger.facts().marked.insert(requested.key());
        match (self.ledger.flaw, answer) {
            (Flaw::DeniesOnErrors, Err(ProvisionError::Unavailable(_))) => {
                Err(DenialReason::RuleFailed.into())
            }
            (Flaw::IgnoresLimits, Err(ProvisionError::Denied(DenialReason::SignUpClosed)))
                if is_limited(requested) =>
            {
                self.join(requested, unruled(identity), false).await
            }
            (
                Flaw::IgnoresRules,
                Err(ProvisionError::Denied(DenialReason::RuleFailed | DenialReason::NoRole)),
            ) => self.join(requested, unruled(identity), false).await,
            (Flaw::LinksAnyConflict, Err(ProvisionError::Conflict)) if links(requested) => {
                match self.become_holder(requested) {
                    true => self.users.provision(&self.rewritten(requested)).await,
                    false => Err(ProvisionError::Conflict),
                }
            }
            (Flaw::MakesRowsAlways, answer) => {
                self.ledger.facts().strays += 1;
                answer
            }
            (Flaw::MarksBusy, answer) => {
                self.ledger.facts().marked.remove(&requested.key());
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
                self.insert(requested, identity).await
            }
            (Flaw::RemembersFailures, Err(error @ ProvisionError::Unavailable(_))) => {
                mark(self);
                Err(error)
            }
            (Flaw::UpdatesAlways, Ok(found)) if found.outcome() == Outcome::Found => {
                let entry = entry(requested, found.tokens_valid_after())?;
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

    async fn provision(&self, requested: &Identity) -> Verdict {
        let _turn = match self.is(Flaw::LocksInTheProcess) {
            true => Some(self.turn.lock().await),
            false => None,
        };
        self.before(requested).await?;
        let identity = self.rewritten(requested);
        let known = self.users.cached(&identity);
        let is_known = self.ledger.facts().known.contains(&requested.key());
        let answer = match (self.bounded(self.ledger.io(false)).await, known) {
            (Err(error), _) => Err(error),
            (Ok(()), Some(found)) if !self.is(Flaw::WritesAlways) => Ok(found),
            (Ok(()), _) => self.join(requested, identity.clone(), is_known).await,
        };
        let answer = self.after(requested, &identity, answer).await;
        if let Ok(provisioned) = &answer
            && let Ok(entry) = entry(requested, provisioned.tokens_valid_after())
        {
            let found = Provisioned::found(Arc::clone(provisioned.user()), entry);
            self.cache
                .lock()
                .unwrap()
                .insert(self.remembered(requested), found);
        }
        answer
    }

    fn cached(&self, requested: &Identity) -> Option<Provisioned<MemoryUser>> {
        let store = |identity: &Identity| self.users.cached(&self.rewritten(identity));
        match self.ledger.flaw {
            Flaw::CachesBySubject => store(requested).or_else(|| {
                let subject = requested.subject().trim().to_lowercase();
                store(&keyed(requested, "", requested.issuer(), &subject).build())
            }),
            Flaw::CachesCreations => {
                let user = Arc::clone(store(requested)?.user());
                Provisioned::created(user, unruled(requested).admit().ok()?).ok()
            }
            Flaw::CachesForever | Flaw::CachesLateLoads | Flaw::CachesRoles => {
                let found = self
                    .cache
                    .lock()
                    .unwrap()
                    .get(&self.remembered(requested))?
                    .clone();
                let revocation = found.tokens_valid_after();
                let is_fresh = revocation.is_none_or(|at| requested.issued_at() > Some(at));
                is_fresh.then_some(found)
            }
            Flaw::CachesRevoked => {
                let (tenant, issuer) = (requested.tenant(), requested.issuer());
                let undated = keyed(requested, tenant, issuer, requested.subject());
                store(&undated.with_issued_at(i64::MAX).build())
            }
            _ => store(requested),
        }
    }
}
