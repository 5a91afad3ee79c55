//! Harness: how the checks access the store of an implementation.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    principal::IdentityKey,
    provisioner::{Provisioner, decision::UserStatus},
};

/// A new and empty store, and the operations of the checks on it. See the [module docs](super).
///
/// Two methods are required. Every other method defaults to [`NotApplicable`], for stores that do
/// not support it, and the checks that need it are then not applicable. A method may panic: this
/// fails the current check only.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The implementation under test.
    type Provisioner: Provisioner;

    /// Opens a handle to the store, as another replica of the application does. Handles share only
    /// the store.
    ///
    /// `deadline` is the timeout for a call to the store. A provisioner without such a setting
    /// ignores it, but has to return within ten seconds.
    async fn provisioner(&self, deadline: Duration) -> Self::Provisioner;

    /// Returns the unique ID of a user, such as its primary key.
    fn user_id(&self, user: &<Self::Provisioner as Provisioner>::User) -> String;

    /// Returns the roles of a user, as a handler sees them.
    fn roles(
        &self,
        user: &<Self::Provisioner as Provisioner>::User,
    ) -> Result<Vec<String>, NotApplicable> {
        let _ = user;
        Err(NotApplicable::new("users have no roles"))
    }

    /// Returns whether the implementation has an optional ability.
    ///
    /// By default, it applies the [policy](Ability::Policy) and has no other ability. An
    /// implementation that does not record the kind of a principal overrides this.
    fn supports(&self, ability: Ability) -> bool {
        ability == Ability::Policy
    }

    /// Returns the number of users in the store, including incomplete users and users without
    /// identities.
    async fn users(&self) -> Result<u64, NotApplicable> {
        Err(NotApplicable::new("users cannot be counted"))
    }

    /// Returns the number of recorded events for the creation of a user.
    async fn created_events(&self) -> Result<u64, NotApplicable> {
        Err(NotApplicable::new("creations leave no event"))
    }

    /// Returns the issuer and the subject that the store recorded for an identity.
    async fn recorded(&self, key: IdentityKey) -> Result<RecordedIdentity, NotApplicable> {
        let _ = key;
        Err(NotApplicable::new("issuer and subject are not recorded"))
    }

    /// Sets the status of the user of an identity, as the application does. This includes the
    /// invalidation of caches, for every open handle.
    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        let _ = (key, status);
        Err(NotApplicable::new("users have no status"))
    }

    /// Revokes the tokens issued until `instant` to the user of an identity, and invalidates caches
    /// as [`set_status`](Self::set_status) does. `instant` is in milliseconds since the Unix epoch.
    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        let _ = (key, instant);
        Err(NotApplicable::new("tokens cannot be revoked"))
    }

    /// Adds an active user, a person without identities and with an address that an operator has
    /// verified (`import`), and returns the [ID](Self::user_id).
    async fn import_user(&self, address: &str) -> Result<String, NotApplicable> {
        let _ = address;
        Err(NotApplicable::new("users cannot be imported"))
    }

    /// Injects a fault into the store, for every handle, until [`recover`](Self::recover).
    async fn fail(&self, fault: StoreFault) -> Result<(), NotApplicable> {
        let _ = fault;
        Err(NotApplicable::new("the store cannot be broken"))
    }

    /// Removes the fault that [`fail`](Self::fail) injected.
    async fn recover(&self) -> Result<(), NotApplicable> {
        Err(NotApplicable::new("a broken store cannot be repaired"))
    }

    /// Cleans up after a check, also after a panic. Drops the database, for example.
    async fn close(&self) {}
}

/// Ability that an implementation may have.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Ability {
    /// Links identities by verified address if [`Linking`](crate::Linking) is enabled. The source
    /// of an address from a token is `issuer:` followed by the issuer.
    Linking,
    /// Applies the identity's [`IssuerPolicy`](crate::IssuerPolicy) before it creates a user, and
    /// records the kind of the principal.
    Policy,
    /// Supports several identities for one user, from different issuers.
    SeveralIdentities,
    /// Applies the [sign-up limits](crate::IssuerPolicy::with_max_users) of the policy.
    SignUpLimits,
    /// Keeps vouched addresses unique within a tenant.
    UniqueAddresses,
}

impl Ability {
    pub(super) fn needed_by(self, harness: &impl Harness) -> Result<(), NotApplicable> {
        match harness.supports(self) {
            true => Ok(()),
            false => Err(NotApplicable::new(match self {
                Self::Linking => "identities are not linked by address",
                Self::Policy => "the issuer's policy is not applied",
                Self::SeveralIdentities => "a user has one identity",
                Self::SignUpLimits => "sign-up is not limited",
                Self::UniqueAddresses => "addresses need not be unique",
            })),
        }
    }
}

/// Fault of a store.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StoreFault {
    /// Every read and every write fails immediately.
    Fails,
    /// The creation of a user fails half-way: its row can be written, but another row that belongs
    /// to it cannot. Reads work.
    FailsHalfWay,
    /// Writes never complete. Reads do not complete either, if the store can do that.
    Stalls,
    /// Writes never complete. Reads work.
    StallsWrites,
}

/// The issuer and the subject that a store recorded for an identity.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "harnesses construct it, and a new field would be a new method"
)]
pub struct RecordedIdentity {
    /// The canonical issuer.
    pub issuer: String,
    /// The subject.
    pub subject: String,
}

/// The reason why a check is not applicable.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotApplicable(Cow<'static, str>);

impl NotApplicable {
    /// Creates a reason, such as `addresses need not be unique`.
    pub fn new(reason: impl Into<Cow<'static, str>>) -> Self {
        Self(reason.into())
    }

    /// Returns the reason.
    #[must_use]
    pub fn reason(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for NotApplicable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not applicable: {}", self.0)
    }
}

impl StdError for NotApplicable {}
