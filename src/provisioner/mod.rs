//! From a verified identity to the application's own user.
//!
//! A [`Provisioner`] finds or creates the user. [`MemoryProvisioner`] is the reference
//! implementation, `SeaOrmProvisioner` (feature `sea-orm`) the one for databases; an application
//! with a backend of its own implements the trait:
//!
//! ```
//! use std::{collections::HashMap, sync::Mutex};
//! use async_trait::async_trait;
//! use tower_jit_provisioning::{Identity, IdentityKey, ProvisionError, Provisioned, Provisioner};
//!
//! struct Account {
//!     number: usize,
//! }
//!
//! #[derive(Default)]
//! struct Directory(Mutex<HashMap<IdentityKey, usize>>);
//!
//! #[async_trait]
//! impl Provisioner for Directory {
//!     type User = Account;
//!
//!     async fn provision(
//!         &self,
//!         identity: &Identity,
//!     ) -> Result<Provisioned<Account>, ProvisionError> {
//!         let mut accounts = self.0.lock().map_err(|_| ProvisionError::unavailable("poisoned"))?;
//!         let next = accounts.len();
//!         let known = accounts.contains_key(&identity.key());
//!         let number = *accounts.entry(identity.key()).or_insert(next);
//!         Ok(match known {
//!             true => Provisioned::found(Account { number }),
//!             false => Provisioned::created(Account { number }),
//!         })
//!     }
//! }
//! ```

pub mod bus;
pub mod cached;
mod enricher;
mod invalidation;
mod issuer_policy;
mod memory;
pub(crate) mod policy;
#[cfg(feature = "sea-orm")]
pub mod sea_orm;
mod user_info;

use std::{error::Error as StdError, fmt, sync::Arc};

use async_trait::async_trait;

pub use self::{
    cached::CachedProvisioner,
    enricher::{Enricher, Enrichment},
    issuer_policy::{IssuerPolicy, Linking, SignUp},
    memory::{MemoryProvisioner, MemoryUser},
    policy::{Attribute, Grant, Population, Profile, ProfileState, ProfileSync, Rule, Status},
    user_info::UserInfo,
};
use crate::identity::Identity;

/// Finds or creates the user behind a verified identity.
///
/// # Contract
///
/// * Keyed by [`Identity::key`]. Never by e-mail address, user name or bare subject.
/// * Idempotent: however many first requests of one identity arrive at once, one user is made, and
///   [`Outcome::Created`] is told to at most one of them.
/// * Cancel-safe: the future may be dropped at any point. That leaves no half user behind, and no
///   error for anybody else. Every call to a store has a deadline.
/// * An existing, unchanged user costs one read and no write.
/// * A collision on anything but the identity key is [`ProvisionError::Conflict`]: never a silent
///   link to somebody's account, and never an endless retry.
/// * Every refusal is decided before the first write.
/// * Deactivated and deleted users are refused, and never switched back on.
///
/// # Wrappers
///
/// `Arc<P>` and `Box<P>` are provisioners too, so `Arc<dyn Provisioner<User = U>>` fits wherever a
/// provisioner does. A wrapper forwards [`cached`](Self::cached); one that leaves it at its default
/// is right but slow.
#[async_trait]
pub trait Provisioner: Send + Sync + 'static {
    /// The application's own user.
    type User: Send + Sync + 'static;

    /// Finds the user, or creates, links or updates it.
    ///
    /// # Errors
    ///
    /// See [`ProvisionError`].
    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<Self::User>, ProvisionError>;

    /// Answers from memory, without waiting; `None`, the default, sends the request to
    /// [`provision`](Self::provision).
    fn cached(&self, identity: &Identity) -> Option<Provisioned<Self::User>> {
        let _ = identity;
        None
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provisioner + ?Sized> Provisioner for Arc<P> {
    type User = P::User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<P::User>, ProvisionError> {
        (**self).provision(identity).await
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        (**self).cached(identity)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provisioner + ?Sized> Provisioner for Box<P> {
    type User = P::User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<P::User>, ProvisionError> {
        (**self).provision(identity).await
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        (**self).cached(identity)
    }
}

/// A user, and what provisioning did to have it.
pub struct Provisioned<U> {
    user: Arc<U>,
    outcome: Outcome,
    tokens_valid_after: Option<i64>,
}

/// What provisioning did.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The user is new.
    Created,
    /// The user was there.
    Found,
    /// The user was there, and this identity is new to it.
    Linked,
    /// The user was there, and something of it was brought up to date.
    Updated,
}

impl Outcome {
    /// Returns the stable label: `created`, `found`, `linked` or `updated`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
            Self::Linked => "linked",
            Self::Updated => "updated",
        }
    }
}

impl<U> Provisioned<U> {
    /// The user was there.
    pub fn found(user: impl Into<Arc<U>>) -> Self {
        Self::new(user, Outcome::Found)
    }

    /// The user was made by this call.
    pub fn created(user: impl Into<Arc<U>>) -> Self {
        Self::new(user, Outcome::Created)
    }

    /// The identity was attached to an existing user by this call.
    pub fn linked(user: impl Into<Arc<U>>) -> Self {
        Self::new(user, Outcome::Linked)
    }

    /// The user was there and was brought up to date by this call.
    pub fn updated(user: impl Into<Arc<U>>) -> Self {
        Self::new(user, Outcome::Updated)
    }

    fn new(user: impl Into<Arc<U>>, outcome: Outcome) -> Self {
        Self {
            user: user.into(),
            outcome,
            tokens_valid_after: None,
        }
    }

    /// Declares tokens issued until `instant` void, in milliseconds since the Unix epoch.
    ///
    /// A provisioner has judged the token it was called with; this is for those that find the user
    /// remembered.
    #[must_use]
    pub fn with_tokens_valid_after(mut self, instant: Option<i64>) -> Self {
        self.tokens_valid_after = instant;
        self
    }

    /// Returns until when issued tokens are void, in milliseconds since the Unix epoch.
    #[must_use]
    pub fn tokens_valid_after(&self) -> Option<i64> {
        self.tokens_valid_after
    }

    /// The same user, told to somebody who did not make it.
    fn as_found(&self) -> Self {
        Self {
            outcome: Outcome::Found,
            ..self.clone()
        }
    }

    /// Returns the user.
    #[must_use]
    pub fn user(&self) -> &Arc<U> {
        &self.user
    }

    /// Returns what provisioning did.
    #[must_use]
    pub fn outcome(&self) -> Outcome {
        self.outcome
    }

    /// Splits into user and outcome.
    #[must_use]
    pub fn into_parts(self) -> (Arc<U>, Outcome) {
        (self.user, self.outcome)
    }
}

impl<U> Clone for Provisioned<U> {
    fn clone(&self) -> Self {
        Self {
            user: Arc::clone(&self.user),
            outcome: self.outcome,
            tokens_valid_after: self.tokens_valid_after,
        }
    }
}

/// Shows the outcome only: the user's fields are the application's, and often personal.
impl<U> fmt::Debug for Provisioned<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioned")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}

/// Why there is no user for this request.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The identity's vouched address, or another unique value, belongs to somebody else.
    Conflict,
    /// Policy refuses the subject.
    Denied(DenialReason),
    /// The token was revoked: issued before the user's tokens were declared void. Unlike a denial
    /// it is the token's fault, and a fresh one may pass.
    Revoked,
    /// The store failed or did not answer in time.
    Unavailable(Arc<dyn StdError + Send + Sync>),
}

impl ProvisionError {
    /// The store failed.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(cause.into()))
    }

    /// Returns the stable label: `conflict`, `revoked`, `store`, or the denial's reason.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Denied(reason) => reason.as_str(),
            Self::Revoked => "revoked",
            Self::Unavailable(_) => "store",
        }
    }
}

impl From<DenialReason> for ProvisionError {
    fn from(reason: DenialReason) -> Self {
        Self::Denied(reason)
    }
}

impl fmt::Display for ProvisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "a unique value belongs to another user",
            Self::Denied(_) => "policy refuses the subject",
            Self::Revoked => "the token was revoked",
            Self::Unavailable(_) => "the user store is unavailable",
        })
    }
}

impl StdError for ProvisionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unavailable(cause) => Some(&**cause),
            Self::Conflict | Self::Denied(_) | Self::Revoked => None,
        }
    }
}

/// Why policy refuses a subject.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DenialReason {
    /// The user was switched off.
    Deactivated,
    /// The user was deleted.
    Deleted,
    /// The identity was a person's and the token is a service's, or the reverse.
    KindMismatch,
    /// The token maps to no role, and the policy asks for one.
    NoRole,
    /// The user waits for approval.
    PendingApproval,
    /// A rule of the policy refuses the token.
    RuleFailed,
    /// The subject is unknown and may not sign up.
    SignUpClosed,
}

impl DenialReason {
    /// Returns the stable label; it is the `code` of the response.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::KindMismatch => "kind_mismatch",
            Self::NoRole => "no_role",
            Self::PendingApproval => "pending_approval",
            Self::RuleFailed => "rule_failed",
            Self::SignUpClosed => "sign_up_closed",
        }
    }
}
