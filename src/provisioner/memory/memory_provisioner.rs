//! Reference implementation: a store in memory with the same rules as a database.

use std::{
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::SystemTime,
};

use async_trait::async_trait;

use super::{memory_user::MemoryUser, record::Record, store::Store};
use crate::{
    clock::millis,
    error::ProvisionError,
    identity::Identity,
    principal::IdentityKey,
    provisioner::{
        decision::{RoleGrant, UserStatus, admission, profile_state},
        explain::{Explain, Facts, Step},
        outcome::Outcome,
        provisioned::Provisioned,
        provisioner::Provisioner,
    },
};

/// Provisioner that keeps users in memory, for tests, demonstrations and services without a store.
///
/// All state is lost when the process ends, so a deactivated user is active again after a restart.
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

impl MemoryProvisioner {
    /// Creates an empty store.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns the number of users.
    #[must_use]
    pub fn len(&self) -> usize {
        self.store().users.len()
    }

    /// Returns whether there are no users.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Sets the status of the user of an identity, and returns whether there is such a user.
    ///
    /// Deactivating or deleting a user revokes the tokens issued until now. Deleting also clears
    /// the profile and the grants, so that another user can have the address.
    pub fn set_status(&self, key: IdentityKey, status: UserStatus) -> bool {
        let is_known = self.change(key, |record| {
            record.status = status;
            if matches!(status, UserStatus::Deactivated | UserStatus::Deleted) {
                record.revoke(millis(SystemTime::now()));
            }
        });
        if status == UserStatus::Deleted {
            self.store().forget(key);
        }
        is_known
    }

    /// Revokes the tokens issued until `instant` to the user of an identity, and returns whether
    /// there is such a user. `instant` is in milliseconds since the Unix epoch.
    ///
    /// A later `instant` that was set before stays.
    pub fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> bool {
        self.change(key, |record| record.revoke(instant))
    }

    /// Grants a role to the user of an identity, as an operator does, and returns whether there is
    /// such a user.
    pub fn grant(&self, key: IdentityKey, role: impl Into<String>) -> bool {
        let grant = RoleGrant::new(role, RoleGrant::MANUAL);
        self.change(key, |record| {
            record.grants.retain(|held| *held != grant);
            record.grants.push(grant);
        })
    }

    /// Returns the state of an identity, for an explanation.
    pub(crate) fn facts(&self, identity: &Identity) -> Facts {
        let store = self.store();
        let known = store.identities.get(&identity.key());
        let record = known.and_then(|known| store.users.get(known.user));
        if let Some((known, record)) = known.zip(record) {
            return Facts::Known {
                snapshot: Some(record.snapshot(known)),
                grants: record.grants.clone(),
                stored_at: Some(known.roles_issued_at),
                changes_profile: profile_state::is_due(
                    identity,
                    &record.profile_state(identity, known),
                ) && store.profile_after(identity, known.user, record)
                    != record.profile,
            };
        }
        Facts::Unknown {
            candidate: store
                .link_candidate(identity)
                .and_then(|index| store.candidate(index, identity.issuer())),
            sign_up_counts: Some(store.sign_up_counts(identity.issuer())),
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

    /// No code panics while it holds this lock, so a poisoned lock is still consistent.
    fn store(&self) -> MutexGuard<'_, Store> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[async_trait]
impl Provisioner for MemoryProvisioner {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        admission::screen(identity)?;
        self.store().provision(identity)
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        let store = self.store();
        let record = store.find(identity)?.ok()?;
        let is_up_to_date = store.is_up_to_date(identity);
        is_up_to_date.then(|| record.provisioned(identity, Outcome::Found))
    }
}

impl fmt::Debug for MemoryProvisioner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryProvisioner")
            .field("users", &self.len())
            .finish_non_exhaustive()
    }
}

#[async_trait]
impl Explain for MemoryProvisioner {
    async fn explain(&self, identity: &Identity) -> (Vec<Step>, Result<Outcome, ProvisionError>) {
        self.facts(identity).explain(identity)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestIdentity;

    fn ana(issued_at: i64, name: &str, roles: &[&str]) -> Identity {
        TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(issued_at)
            .with_full_name(name)
            .with_roles(roles.iter().copied())
            .build()
    }

    #[tokio::test]
    async fn a_token_that_changes_its_user_is_not_served_from_memory() {
        let users = MemoryProvisioner::new();
        let known = ana(1_000, "Ana", &["editor"]);
        users.provision(&known).await.unwrap();
        assert!(users.cached(&known).is_some());
        for changed in [ana(2_000, "Bo", &["editor"]), ana(3_000, "Bo", &[])] {
            assert!(users.cached(&changed).is_none());
            let provisioned = users.provision(&changed).await.unwrap();
            assert_eq!(provisioned.outcome(), Outcome::Updated);
            assert!(users.cached(&changed).is_some());
        }
    }

    #[tokio::test]
    async fn the_token_of_a_refused_user_changes_nothing() {
        let users = MemoryProvisioner::new();
        let known = ana(1_000, "Ana", &[]);
        users.provision(&known).await.unwrap();
        users.set_status(known.key(), UserStatus::Pending);
        let refused = users.provision(&ana(2_000, "Bo", &[])).await.unwrap_err();
        assert_eq!(refused.reason(), "pending_approval");
        users.set_status(known.key(), UserStatus::Active);
        let provisioned = users.provision(&known).await.unwrap();
        assert_eq!(provisioned.user().full_name.as_deref(), Some("Ana"));
    }
}
