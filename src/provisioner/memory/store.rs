//! The users and identities, all behind one lock.

use std::collections::HashMap;

use tokio::time::Duration;

use super::{known_identity::KnownIdentity, memory_user::MemoryUser, record::Record};
use crate::{
    error::{DenialReason, ProvisionError},
    identity::Identity,
    policy::Attribute,
    principal::IdentityKey,
    provisioner::{
        decision::{
            Profile, SignUpCounts, UserStatus, admission,
            linking::{self, Candidate},
            newcomer::{self, Newcomer},
            profile_state, roles, sign_up,
        },
        outcome::Outcome,
        provisioned::Provisioned,
    },
};

#[derive(Default)]
pub(super) struct Store {
    pub(super) users: Vec<Record>,
    pub(super) identities: HashMap<IdentityKey, KnownIdentity>,
    /// Verified addresses by their key, as indices into `users`.
    addresses: HashMap<String, usize>,
}

impl Store {
    /// Returns the user of a known identity, or the reason for its refusal. `None` means that the
    /// identity is unknown.
    pub(super) fn find(&self, identity: &Identity) -> Option<Result<&Record, ProvisionError>> {
        let known = self.identities.get(&identity.key())?;
        let record = self.users.get(known.user)?;
        let verdict = admission::screen(identity)
            .and_then(|()| admission::admit(identity, record.snapshot(known)))
            .and_then(|()| roles::suffice(identity, &record.grants));
        Some(verdict.map(|()| record))
    }

    /// Returns whether the token changes nothing.
    pub(super) fn is_up_to_date(&self, identity: &Identity) -> bool {
        let known = self.identities.get(&identity.key());
        let record = known.and_then(|known| self.users.get(known.user));
        known.zip(record).is_some_and(|(known, record)| {
            !roles::are_due(identity, &record.grants, known.roles_issued_at)
                && !profile_state::is_due(identity, &record.profile_state(identity, known))
        })
    }

    /// Stores the roles and the profile of a newer token.
    fn synchronise(&mut self, identity: &Identity) -> Outcome {
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
        if profile_state::is_due(identity, &record.profile_state(identity, known)) {
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

    /// Returns the profile of a user after a token. The address stays as it is if another user has
    /// the address of the token.
    pub(super) fn profile_after(
        &self,
        identity: &Identity,
        user: usize,
        record: &Record,
    ) -> Profile {
        let after = record.profile.after(identity, &[]);
        let key = after.email_key.as_ref();
        let owner = key.and_then(|key| self.addresses.get(key));
        match owner.is_some_and(|owner| *owner != user) {
            false => after,
            true => record.profile.after(identity, &[Attribute::Email]),
        }
    }

    pub(super) fn provision(
        &mut self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        match self.find(identity) {
            None => return self.create_or_link(identity),
            Some(verdict) => verdict.map(drop)?,
        }
        let outcome = self.synchronise(identity);
        let record = self.find(identity).ok_or(DenialReason::Deleted)??;
        Ok(record.provisioned(identity, outcome))
    }

    fn create_or_link(
        &mut self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        let found = self.link_candidate(identity);
        let candidate = found.and_then(|index| self.candidate(index, identity.issuer()));
        let decision = newcomer::decide(identity, candidate.as_ref())?;
        let (index, outcome) = match (decision, found) {
            (Newcomer::Link, Some(index)) => (index, Outcome::Linked),
            (Newcomer::Create(status), _) => {
                if identity.policy().has_limits() {
                    sign_up::within_limits(identity, self.sign_up_counts(identity.issuer()))?;
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
        let known = KnownIdentity::new(index, identity);
        self.identities.insert(identity.key(), known);
        match record.status {
            // The request that creates a pending user is refused too.
            UserStatus::Pending => Err(DenialReason::PendingApproval.into()),
            _ => Ok(record.provisioned(identity, outcome)),
        }
    }

    /// Returns the index of the user that has the identity's address as a verified address.
    pub(super) fn link_candidate(&self, identity: &Identity) -> Option<usize> {
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

    /// Clears the personal data of a deleted user. The identity stays as a tombstone.
    pub(super) fn forget(&mut self, key: IdentityKey) {
        let Some(index) = self.identities.get(&key).map(|known| known.user) else {
            return;
        };
        self.addresses.retain(|_, owner| *owner != index);
        if let Some(record) = self.users.get_mut(index) {
            record.profile = Profile::default();
            record.grants.clear();
        }
    }

    pub(super) fn sign_up_counts(&self, issuer: &str) -> SignUpCounts {
        let of_issuer = || {
            self.identities
                .values()
                .filter(|known| known.issuer == issuer)
        };
        let is_recent = |known: &&KnownIdentity| known.since.elapsed() < Duration::from_secs(60);
        let (all, last_minute) = (of_issuer().count(), of_issuer().filter(is_recent).count());
        SignUpCounts::new(all as u64, last_minute as u64)
    }
}
