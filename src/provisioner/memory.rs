//! The reference implementation: users in memory, by the same rules as in a database.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{SystemTime, UNIX_EPOCH},
};

use async_trait::async_trait;

use tokio::time::{Duration, Instant};

use super::{
    Attribute, DenialReason, Grant, Outcome, Population, Profile, ProfileState, ProvisionError,
    Provisioned, Provisioner, Status,
    policy::{
        admission::{self, Snapshot},
        newcomer::{self, Candidate, Newcomer},
        profile, roles,
    },
};
use crate::{
    access::HasRoles,
    explain::Facts,
    identity::{Identity, IdentityKey, PrincipalKind, RoleClaim},
};

/// Keeps users in memory: for tests, demonstrations and services without a store.
///
/// Everything is gone with the process, so a deactivated user is back after a restart.
///
/// ```
/// use tower_jit_provisioning::{JwtVerifier, MemoryProvisioner, ProvisionLayer};
///
/// fn layer(verifier: JwtVerifier) -> ProvisionLayer<MemoryProvisioner> {
///     ProvisionLayer::new(verifier, MemoryProvisioner::new())
/// }
/// ```
#[derive(Clone, Default)]
pub struct MemoryProvisioner(Arc<Mutex<Store>>);

/// A user of [`MemoryProvisioner`].
#[derive(Clone, PartialEq)]
#[non_exhaustive]
pub struct MemoryUser {
    /// Counts from 1 in the order of creation.
    pub id: u64,
    /// The tenant, `""` when there are none.
    pub tenant: String,
    /// The address as written, verified or not.
    pub email: Option<String>,
    /// The display name.
    pub full_name: Option<String>,
    /// The roles that count for the request: those granted here and those of its token, sorted.
    pub roles: Vec<String>,
}

impl HasRoles for MemoryUser {
    fn has_role(&self, role: &str) -> bool {
        self.roles.iter().any(|held| held == role)
    }
}

/// Shows the number only: the rest is personal.
impl fmt::Debug for MemoryUser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryUser")
            .field("id", &self.id)
            .finish_non_exhaustive()
    }
}

#[derive(Default)]
struct Store {
    users: Vec<Record>,
    identities: HashMap<IdentityKey, Known>,
    /// Verified addresses, by their key.
    addresses: HashMap<String, usize>,
}

struct Record {
    id: u64,
    tenant: String,
    profile: Profile,
    /// The identity whose tokens keep the profile up to date.
    owner: IdentityKey,
    status: Status,
    grants: Vec<Grant>,
    tokens_valid_after: Option<i64>,
}

/// An identity, and what is remembered of its tokens.
struct Known {
    /// Index into `users`.
    user: usize,
    kind: PrincipalKind,
    issuer: String,
    since: Instant,
    roles_issued_at: Option<i64>,
    profile_issued_at: Option<i64>,
    fingerprint: String,
}

impl MemoryProvisioner {
    /// Makes an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store().users.len()
    }

    /// Whether there are no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the status of the user behind an identity; returns whether there is one. Deactivating
    /// and deleting void the tokens issued until now; deleting also forgets profile and grants, so
    /// that the address is free for somebody else.
    pub fn set_status(&self, key: IdentityKey, status: Status) -> bool {
        let is_known = self.change(key, |record| {
            record.status = status;
            if matches!(status, Status::Deactivated | Status::Deleted) {
                record.revoke(now());
            }
        });
        if status == Status::Deleted {
            self.store().forget(key);
        }
        is_known
    }

    /// Voids the tokens of the user behind an identity that were issued until `instant`, in
    /// milliseconds since the Unix epoch, or until a later instant set before; returns whether there
    /// is one.
    pub fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> bool {
        self.change(key, |record| record.revoke(instant))
    }

    /// Grants a role to the user behind an identity, as an operator does; returns whether there is
    /// one.
    pub fn grant(&self, key: IdentityKey, role: impl Into<String>) -> bool {
        let grant = Grant::new(role, Grant::MANUAL);
        self.change(key, |record| {
            record.grants.retain(|held| *held != grant);
            record.grants.push(grant);
        })
    }

    /// What an explanation is made of.
    pub(crate) fn facts(&self, identity: &Identity) -> Facts {
        let store = self.store();
        let known = store.identities.get(&identity.key());
        let record = known.and_then(|known| store.users.get(known.user));
        if let Some((known, record)) = known.zip(record) {
            return Facts::Known {
                snapshot: Some(record.snapshot(known)),
                grants: record.grants.clone(),
                stored_at: Some(known.roles_issued_at),
                changes_profile: profile::is_due(identity, &known.profile_state(identity, record))
                    && store.profile_after(identity, known.user, record) != record.profile,
            };
        }
        Facts::Unknown {
            candidate: store
                .holder(identity)
                .and_then(|index| store.candidate(index, identity.issuer())),
            population: Some(store.population(identity.issuer())),
        }
    }

    fn change(&self, key: IdentityKey, change: impl FnOnce(&mut Record)) -> bool {
        let mut store = self.store();
        let index = store.identities.get(&key).map(|known| known.user);
        index
            .and_then(|index| store.users.get_mut(index))
            .map(change)
            .is_some()
    }

    /// No code panics while it holds the lock, and the store would still be whole if it did.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Store {
    /// Returns the user behind a known identity, or why it may not enter.
    fn find(&self, identity: &Identity) -> Option<Result<&Record, ProvisionError>> {
        let known = self.identities.get(&identity.key())?;
        let record = self.users.get(known.user)?;
        let verdict = admission::screen(identity)
            .and_then(|()| admission::admit(identity, record.snapshot(known)))
            .and_then(|()| roles::suffice(identity, &record.grants));
        Some(verdict.map(|()| record))
    }

    /// Whether the token says nothing new of its user.
    fn is_up_to_date(&self, identity: &Identity) -> bool {
        let known = self.identities.get(&identity.key());
        let record = known.and_then(|known| self.users.get(known.user));
        known.zip(record).is_some_and(|(known, record)| {
            !roles::are_due(identity, &record.grants, known.roles_issued_at)
                && !profile::is_due(identity, &known.profile_state(identity, record))
        })
    }

    /// Stores what a newer token says of its user; returns whether it said anything.
    fn bring_up_to_date(&mut self, identity: &Identity) -> Outcome {
        let known = self.identities.get(&identity.key());
        let record = known.and_then(|known| self.users.get(known.user));
        let Some((known, record)) = known.zip(record) else {
            return Outcome::Found;
        };
        let (user, after) = (known.user, self.profile_after(identity, known.user, record));
        let known = self.identities.get_mut(&identity.key());
        let Some((known, record)) = known.zip(self.users.get_mut(user)) else {
            return Outcome::Found;
        };
        let mut outcome = Outcome::Found;
        if roles::are_due(identity, &record.grants, known.roles_issued_at) {
            known.roles_issued_at = identity.issued_at();
            record.replace_grants(identity);
            outcome = Outcome::Updated;
        }
        if profile::is_due(identity, &known.profile_state(identity, record)) {
            known.profile_issued_at = identity.issued_at();
            known.fingerprint = Profile::fingerprint(identity);
            if after != record.profile {
                if let Some(key) = &record.profile.email_key {
                    self.addresses.remove(key);
                }
                let key = after.email_key.clone();
                self.addresses.extend(key.map(|key| (key, known.user)));
                record.profile = after;
                outcome = Outcome::Updated;
            }
        }
        outcome
    }

    /// A user's profile after a token; an address that is somebody else's stays so.
    fn profile_after(&self, identity: &Identity, user: usize, record: &Record) -> Profile {
        let after = record.profile.after(identity, &[]);
        let key = after.email_key.as_ref();
        let holder = key.and_then(|key| self.addresses.get(key));
        match holder.is_some_and(|holder| *holder != user) {
            false => after,
            true => record.profile.after(identity, &[Attribute::Email]),
        }
    }

    fn enter(&mut self, identity: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        match self.find(identity) {
            None => return self.join(identity),
            Some(verdict) => verdict.map(drop)?,
        }
        let outcome = self.bring_up_to_date(identity);
        let record = self.find(identity).ok_or(DenialReason::Deleted)??;
        Ok(record.told(identity, outcome))
    }

    fn join(&mut self, identity: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        let holder = self.holder(identity);
        let candidate = holder.and_then(|index| self.candidate(index, identity.issuer()));
        let decision = newcomer::decide(identity, candidate.as_ref())?;
        let (index, outcome) = match (decision, holder) {
            (Newcomer::Link, Some(holder)) => (holder, Outcome::Linked),
            (Newcomer::Create(status), _) => {
                newcomer::within_limits(identity, self.population(identity.issuer()))?;
                let record = Record::new(self.users.len() as u64 + 1, identity, status);
                let key = record.profile.email_key.clone();
                self.addresses
                    .extend(key.map(|key| (key, self.users.len())));
                self.users.push(record);
                (self.users.len() - 1, Outcome::Created)
            }
            (Newcomer::Link, None) => return Err(ProvisionError::Conflict),
        };
        let record = self.users.get_mut(index).ok_or(DenialReason::Deleted)?;
        record.replace_grants(identity);
        let known = Known::new(index, identity);
        self.identities.insert(identity.key(), known);
        match record.status {
            // Made and refused in one request: the user waits for approval.
            Status::Pending => Err(DenialReason::PendingApproval.into()),
            _ => Ok(record.told(identity, outcome)),
        }
    }

    /// The user who holds the identity's address verified, as an index.
    fn holder(&self, identity: &Identity) -> Option<usize> {
        let address = newcomer::linking_address(identity)?;
        self.addresses.get(&address.key(identity.tenant())).copied()
    }

    fn candidate(&self, index: usize, issuer: &str) -> Option<Candidate> {
        let record = self.users.get(index)?;
        let mut identities = self.identities.values().filter(|known| known.user == index);
        Some(Candidate {
            status: record.status,
            verified_by: record.profile.email_verified_by.clone().unwrap_or_default(),
            is_human: true,
            has_identity_of_issuer: identities.any(|known| known.issuer == issuer),
            tokens_valid_after: record.tokens_valid_after,
            grants: record.grants.clone(),
            is_pre_linked: false,
        })
    }

    /// Leaves a tombstone without anything personal.
    fn forget(&mut self, key: IdentityKey) {
        let Some(index) = self.identities.get(&key).map(|known| known.user) else {
            return;
        };
        self.addresses.retain(|_, holder| *holder != index);
        if let Some(record) = self.users.get_mut(index) {
            record.profile = Profile::default();
            record.grants.clear();
        }
    }

    fn population(&self, issuer: &str) -> Population {
        let of_issuer = || {
            self.identities
                .values()
                .filter(|known| known.issuer == issuer)
        };
        let is_recent = |known: &&Known| known.since.elapsed() < Duration::from_secs(60);
        let (all, last_minute) = (of_issuer().count(), of_issuer().filter(is_recent).count());
        Population::new(all as u64, last_minute as u64)
    }
}

impl Known {
    fn new(user: usize, identity: &Identity) -> Self {
        let states_roles = matches!(identity.roles(), RoleClaim::Present(_));
        Self {
            user,
            kind: identity.kind(),
            issuer: identity.issuer().to_owned(),
            since: Instant::now(),
            roles_issued_at: identity.issued_at().filter(|_| states_roles),
            profile_issued_at: identity.issued_at(),
            fingerprint: Profile::fingerprint(identity),
        }
    }

    fn profile_state(&self, identity: &Identity, record: &Record) -> ProfileState {
        ProfileState {
            is_owner: record.owner == identity.key(),
            issued_at: self.profile_issued_at,
            fingerprint: Some(self.fingerprint.clone()),
        }
    }
}

impl Record {
    fn new(id: u64, identity: &Identity, status: Status) -> Self {
        Self {
            id,
            tenant: identity.tenant().to_owned(),
            profile: Profile::of_newcomer(identity),
            owner: identity.key(),
            status,
            grants: Vec::new(),
            tokens_valid_after: None,
        }
    }

    /// Never un-voids a token.
    fn revoke(&mut self, instant: i64) {
        self.tokens_valid_after = self.tokens_valid_after.max(Some(instant));
    }

    fn snapshot(&self, known: &Known) -> Snapshot {
        Snapshot {
            status: self.status,
            kind: known.kind,
            tokens_valid_after: self.tokens_valid_after,
        }
    }

    fn replace_grants(&mut self, identity: &Identity) {
        let source = Grant::source_of(identity.issuer());
        self.grants.retain(|grant| grant.source != source);
        let stated = identity.roles().as_slice().iter();
        self.grants
            .extend(stated.map(|role| Grant::new(role, source.as_str())));
    }

    fn told(&self, identity: &Identity, outcome: Outcome) -> Provisioned<MemoryUser> {
        let user = MemoryUser {
            id: self.id,
            tenant: self.tenant.clone(),
            email: self.profile.email.clone(),
            full_name: self.profile.full_name.clone(),
            roles: roles::counted(identity, &self.grants),
        };
        Provisioned::new(user, outcome).with_tokens_valid_after(self.tokens_valid_after)
    }
}

/// Milliseconds since the Unix epoch.
fn now() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |since| {
        i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
    })
}

#[async_trait]
impl Provisioner for MemoryProvisioner {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        admission::screen(identity)?;
        self.store().enter(identity)
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        let store = self.store();
        let record = store.find(identity)?.ok()?;
        let is_up_to_date = store.is_up_to_date(identity);
        is_up_to_date.then(|| record.told(identity, Outcome::Found))
    }
}

impl fmt::Debug for MemoryProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryProvisioner")
            .field("users", &self.len())
            .finish_non_exhaustive()
    }
}
