//! The users themselves, and what a token makes of them: everything under the one lock.

use std::collections::HashMap;

use tokio::time::{Duration, Instant};

use super::MemoryUser;
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    policy::Attribute,
    principal::{IdentityKey, PrincipalKind, RoleClaim},
    provisioner::{
        Outcome, Provisioned,
        decision::{
            Profile, ProfileState, RoleGrant, SignUpCounts, UserStatus,
            admission::{self, Snapshot},
            linking::{self, Candidate},
            newcomer::{self, Newcomer},
            profile_state, roles, sign_up,
        },
    },
};

#[derive(Default)]
pub(super) struct Store {
    pub(super) users: Vec<Record>,
    pub(super) identities: HashMap<IdentityKey, Known>,
    /// Verified addresses, by their key.
    addresses: HashMap<String, usize>,
}

pub(super) struct Record {
    id: u64,
    tenant: String,
    pub(super) profile: Profile,
    /// The identity whose tokens keep the profile up to date.
    owner: IdentityKey,
    pub(super) status: UserStatus,
    pub(super) grants: Vec<RoleGrant>,
    tokens_valid_after: Option<i64>,
}

/// An identity, and what is remembered of its tokens.
pub(super) struct Known {
    /// Index into `users`.
    pub(super) user: usize,
    kind: PrincipalKind,
    issuer: String,
    since: Instant,
    pub(super) roles_issued_at: Option<i64>,
    profile_issued_at: Option<i64>,
    fingerprint: String,
}

impl Store {
    /// Returns the user behind a known identity, or why it may not enter.
    pub(super) fn find(&self, identity: &Identity) -> Option<Result<&Record, ProvisionError>> {
        let known = self.identities.get(&identity.key())?;
        let record = self.users.get(known.user)?;
        let verdict = admission::screen(identity)
            .and_then(|()| admission::admit(identity, record.snapshot(known)))
            .and_then(|()| roles::suffice(identity, &record.grants));
        Some(verdict.map(|()| record))
    }

    /// Whether the token says nothing new of its user.
    pub(super) fn is_up_to_date(&self, identity: &Identity) -> bool {
        let known = self.identities.get(&identity.key());
        let record = known.and_then(|known| self.users.get(known.user));
        known.zip(record).is_some_and(|(known, record)| {
            !roles::are_due(identity, &record.grants, known.roles_issued_at)
                && !profile_state::is_due(identity, &known.profile_state(identity, record))
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
        if profile_state::is_due(identity, &known.profile_state(identity, record)) {
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
    pub(super) fn profile_after(
        &self,
        identity: &Identity,
        user: usize,
        record: &Record,
    ) -> Profile {
        let after = record.profile.after(identity, &[]);
        let key = after.email_key.as_ref();
        let holder = key.and_then(|key| self.addresses.get(key));
        match holder.is_some_and(|holder| *holder != user) {
            false => after,
            true => record.profile.after(identity, &[Attribute::Email]),
        }
    }

    pub(super) fn enter(
        &mut self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
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
                if identity.policy().has_limits() {
                    sign_up::within_limits(identity, self.population(identity.issuer()))?;
                }
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
            UserStatus::Pending => Err(DenialReason::PendingApproval.into()),
            _ => Ok(record.told(identity, outcome)),
        }
    }

    /// The user who holds the identity's address verified, as an index.
    pub(super) fn holder(&self, identity: &Identity) -> Option<usize> {
        let address = linking::linking_address(identity)?;
        self.addresses.get(&address.key(identity.tenant())).copied()
    }

    pub(super) fn candidate(&self, index: usize, issuer: &str) -> Option<Candidate> {
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
    pub(super) fn forget(&mut self, key: IdentityKey) {
        let Some(index) = self.identities.get(&key).map(|known| known.user) else {
            return;
        };
        self.addresses.retain(|_, holder| *holder != index);
        if let Some(record) = self.users.get_mut(index) {
            record.profile = Profile::default();
            record.grants.clear();
        }
    }

    pub(super) fn population(&self, issuer: &str) -> SignUpCounts {
        let of_issuer = || {
            self.identities
                .values()
                .filter(|known| known.issuer == issuer)
        };
        let is_recent = |known: &&Known| known.since.elapsed() < Duration::from_secs(60);
        let (all, last_minute) = (of_issuer().count(), of_issuer().filter(is_recent).count());
        SignUpCounts::new(all as u64, last_minute as u64)
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

    pub(super) fn profile_state(&self, identity: &Identity, record: &Record) -> ProfileState {
        ProfileState {
            is_owner: record.owner == identity.key(),
            issued_at: self.profile_issued_at,
            fingerprint: Some(self.fingerprint.clone()),
        }
    }
}

impl Record {
    fn new(id: u64, identity: &Identity, status: UserStatus) -> Self {
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
    pub(super) fn revoke(&mut self, instant: i64) {
        self.tokens_valid_after = self.tokens_valid_after.max(Some(instant));
    }

    pub(super) fn snapshot(&self, known: &Known) -> Snapshot {
        Snapshot {
            status: self.status,
            kind: known.kind,
            tokens_valid_after: self.tokens_valid_after,
        }
    }

    fn replace_grants(&mut self, identity: &Identity) {
        let source = RoleGrant::source_of(identity.issuer());
        self.grants.retain(|grant| grant.source != source);
        let stated = identity.roles().as_slice().iter();
        self.grants
            .extend(stated.map(|role| RoleGrant::new(role, source.as_str())));
    }

    pub(super) fn told(&self, identity: &Identity, outcome: Outcome) -> Provisioned<MemoryUser> {
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
