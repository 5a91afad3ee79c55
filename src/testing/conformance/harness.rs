//! What a test of a provisioner has to say about its store.

use std::{borrow::Cow, error::Error as StdError, fmt, time::Duration};

use async_trait::async_trait;

use crate::{
    principal::IdentityKey,
    provisioner::{Provisioner, decision::UserStatus},
};

/// A new, empty store, and what a check may do to it. See the [module docs](super).
///
/// Two methods are needed. Every other one is something that a store may be unable to do: left out,
/// it answers [`NotApplicable`], and so do the checks that need it. Methods are free to panic: that
/// fails the check and no other.
#[async_trait]
pub trait Harness: Send + Sync + 'static {
    /// The implementation under test.
    type Provisioner: Provisioner;

    /// Opens a handle to the store, as one more replica of the application would: handles share
    /// nothing but the store.
    ///
    /// `deadline` is what the handle allows a call to its store. A provisioner whose deadline
    /// cannot be set ignores it, and answers within ten seconds nevertheless.
    async fn provisioner(&self, deadline: Duration) -> Self::Provisioner;

    /// Returns what tells a user from all others: the primary key.
    fn user_id(&self, user: &<Self::Provisioner as Provisioner>::User) -> String;

    /// Returns the roles of a user, as the request sees them.
    fn roles(
        &self,
        user: &<Self::Provisioner as Provisioner>::User,
    ) -> Result<Vec<String>, NotApplicable> {
        let _ = user;
        Err(NotApplicable::new("users have no roles"))
    }

    /// Whether the implementation does what only some do.
    fn supports(&self, ability: Ability) -> bool {
        let _ = ability;
        false
    }

    /// Counts the users in the store, half-made ones and those nobody can log in as included.
    async fn users(&self) -> Result<u64, NotApplicable> {
        Err(NotApplicable::new("users cannot be counted"))
    }

    /// Counts the records that a user was created.
    async fn created_events(&self) -> Result<u64, NotApplicable> {
        Err(NotApplicable::new("creations leave no event"))
    }

    /// Reads what the store recorded of an identity.
    async fn recorded(&self, key: IdentityKey) -> Result<RecordedIdentity, NotApplicable> {
        let _ = key;
        Err(NotApplicable::new("issuer and subject are not recorded"))
    }

    /// Sets the status of the user behind an identity, as the application does: caches that it
    /// would invalidate are invalidated, those of every open handle.
    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        let _ = (key, status);
        Err(NotApplicable::new("users have no status"))
    }

    /// Voids the tokens of the user behind an identity that were issued until `instant`, in
    /// milliseconds since the Unix epoch; caches as with [`set_status`](Self::set_status).
    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        let _ = (key, instant);
        Err(NotApplicable::new("tokens cannot be revoked"))
    }

    /// Adds an active person without identities who holds an address that an operator vouched for
    /// (`import`), and returns the [id](Self::user_id).
    async fn import_user(&self, address: &str) -> Result<String, NotApplicable> {
        let _ = address;
        Err(NotApplicable::new("users come by sign-up only"))
    }

    /// Breaks the store for every handle, until [`recover`](Self::recover).
    async fn fail(&self, fault: StoreFault) -> Result<(), NotApplicable> {
        let _ = fault;
        Err(NotApplicable::new("the store cannot be broken"))
    }

    /// Mends what [`fail`](Self::fail) broke.
    async fn recover(&self) -> Result<(), NotApplicable> {
        Err(NotApplicable::new("a broken store cannot be mended"))
    }

    /// Clears up after the check, whether it passed or panicked: drops the database, say.
    async fn close(&self) {}
}

/// What some implementations do and others need not.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Ability {
    /// Links by verified address where [`Linking`](crate::Linking) says so. The source of an
    /// address that came with a token is `issuer:` and the issuer.
    Linking,
    /// Asks the identity's [`IssuerPolicy`](crate::IssuerPolicy) before it makes a user, and
    /// remembers the kind of its principal.
    Policy,
    /// Has room for identities of several issuers in one user.
    SeveralIdentities,
    /// Counts an issuer's users where the policy [limits](crate::IssuerPolicy::with_max_users)
    /// sign-up.
    SignUpLimits,
    /// Lets no two users of a tenant hold one vouched address.
    UniqueAddresses,
}

impl Ability {
    pub(super) fn needed_by(self, harness: &impl Harness) -> Result<(), NotApplicable> {
        match harness.supports(self) {
            true => Ok(()),
            false => Err(NotApplicable::new(match self {
                Self::Linking => "nobody is linked by address",
                Self::Policy => "the issuer's policy is not asked",
                Self::SeveralIdentities => "a user has one identity",
                Self::SignUpLimits => "sign-up is not limited",
                Self::UniqueAddresses => "addresses need not be unique",
            })),
        }
    }
}

/// How a store is broken.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum StoreFault {
    /// Nothing can be read or written; the store says so at once.
    Fails,
    /// What a creation writes fails half-way: the user's row could be written, another row that
    /// belongs to it cannot. Reading works.
    FailsHalfWay,
    /// Writes get no answer, and reads none either where the store can do that.
    Stalls,
    /// Writes get no answer; reading works.
    StallsWrites,
}

/// What a store recorded of an identity.
#[derive(Clone, Debug, Eq, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "harnesses make it; more fields would be another method"
)]
pub struct RecordedIdentity {
    /// The canonical issuer.
    pub issuer: String,
    /// The subject.
    pub subject: String,
}

/// A check that has nothing to check here, and why.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct NotApplicable(Cow<'static, str>);

impl NotApplicable {
    /// Says why: `addresses need not be unique`.
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
