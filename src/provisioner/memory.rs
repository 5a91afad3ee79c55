//! The reference implementation: users in memory, by the same rules as in a database.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use async_trait::async_trait;

use super::{
    DenialReason, ProvisionError, Provisioned, Provisioner,
    policy::{self, Candidate, Newcomer, Snapshot, Status},
};
use crate::identity::{Identity, IdentityKey, PrincipalKind};

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
    /// The address of the token that created the user, vouched for or not.
    pub email: Option<String>,
    /// The display name of the token that created the user.
    pub full_name: Option<String>,
    /// The roles that the request's token grants.
    pub roles: Vec<String>,
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
    /// Index into `users`, and the kind the identity was recorded with.
    identities: HashMap<IdentityKey, (usize, PrincipalKind)>,
    /// Verified addresses, by their key.
    addresses: HashMap<String, usize>,
}

struct Record {
    user: MemoryUser,
    status: Status,
    verified_by: String,
    issuers: Vec<String>,
    tokens_valid_after: Option<i64>,
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

    /// Sets the status of the user behind an identity; returns whether there is one.
    pub fn set_status(&self, key: IdentityKey, status: Status) -> bool {
        self.change(key, |record| record.status = status)
    }

    /// Voids the tokens of the user behind an identity that were issued until `instant`, in
    /// milliseconds since the Unix epoch; returns whether there is one.
    pub fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> bool {
        self.change(key, |record| record.tokens_valid_after = Some(instant))
    }

    fn change(&self, key: IdentityKey, change: impl FnOnce(&mut Record)) -> bool {
        let mut store = self.store();
        let index = store.identities.get(&key).map(|(index, _)| *index);
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
    fn find(&self, identity: &Identity) -> Option<Result<Provisioned<MemoryUser>, ProvisionError>> {
        let (index, kind) = self.identities.get(&identity.key())?;
        let record = self.users.get(*index)?;
        let snapshot = Snapshot {
            status: record.status,
            kind: *kind,
            tokens_valid_after: record.tokens_valid_after,
        };
        Some(
            policy::admit(identity, snapshot)
                .map(|()| Provisioned::found(record.for_request(identity)))
                .map(|found| found.with_tokens_valid_after(record.tokens_valid_after)),
        )
    }

    fn join(&mut self, identity: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        let address_key =
            policy::linking_address(identity).map(|email| email.key(identity.tenant()));
        let holder = address_key
            .as_ref()
            .and_then(|key| self.addresses.get(key))
            .copied();
        let candidate = holder
            .and_then(|index| self.users.get(index))
            .map(|record| Candidate {
                status: record.status,
                verified_by: record.verified_by.clone(),
                is_human: true,
                has_identity_of_issuer: record
                    .issuers
                    .iter()
                    .any(|issuer| issuer == identity.issuer()),
                tokens_valid_after: record.tokens_valid_after,
            });
        let decision = policy::decide(identity, candidate.as_ref())?;
        let index = match (decision, holder) {
            (Newcomer::Link, Some(holder)) => holder,
            (Newcomer::Link | Newcomer::Create, _) => {
                self.users
                    .push(Record::new(self.users.len() as u64 + 1, identity));
                self.users.len() - 1
            }
        };
        let record = self.users.get_mut(index).ok_or(DenialReason::Deleted)?;
        record.issuers.push(identity.issuer().to_owned());
        let user = record.for_request(identity);
        let tokens_valid_after = record.tokens_valid_after;
        self.identities
            .insert(identity.key(), (index, identity.kind()));
        Ok(match decision {
            Newcomer::Create => {
                self.addresses.extend(address_key.map(|key| (key, index)));
                Provisioned::created(user)
            }
            Newcomer::Link => Provisioned::linked(user).with_tokens_valid_after(tokens_valid_after),
        })
    }
}

impl Record {
    fn new(id: u64, identity: &Identity) -> Self {
        Self {
            user: MemoryUser {
                id,
                tenant: identity.tenant().to_owned(),
                email: identity.email().map(|email| email.as_str().to_owned()),
                full_name: identity.full_name().map(str::to_owned),
                roles: Vec::new(),
            },
            status: Status::Active,
            verified_by: format!("issuer:{}", identity.issuer()),
            issuers: Vec::new(),
            tokens_valid_after: None,
        }
    }

    fn for_request(&self, identity: &Identity) -> MemoryUser {
        MemoryUser {
            roles: identity.roles().as_slice().to_vec(),
            ..self.user.clone()
        }
    }
}

#[async_trait]
impl Provisioner for MemoryProvisioner {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        let mut store = self.store();
        store.find(identity).unwrap_or_else(|| store.join(identity))
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        self.store().find(identity)?.ok()
    }
}

impl fmt::Debug for MemoryProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryProvisioner")
            .field("users", &self.len())
            .finish_non_exhaustive()
    }
}
