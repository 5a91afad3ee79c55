//! The result of provisioning.

use std::{fmt, sync::Arc};

use super::{
    admission::{Admission, Entry, LinkPermit},
    decision::UserStatus,
    outcome::Outcome,
};
use crate::error::{DenialReason, ProvisionError};

/// A user and the [`Outcome`] of provisioning it.
///
/// A result is made only from a permission of the issuer's policy. A provisioner that does not ask
/// the policy does not compile:
///
/// ```compile_fail
/// use tower_jit_provisioning::Provisioned;
///
/// let found = Provisioned::found("ana");
/// ```
///
/// ```
/// use tower_jit_provisioning::{Identity, ProvisionError, Provisioned, provisioner::Standing};
///
/// fn found(identity: &Identity, standing: Standing) -> Result<Provisioned<&str>, ProvisionError> {
///     let entry = identity.enter(standing, &[])?;
///     Ok(Provisioned::found("ana", entry))
/// }
/// ```
pub struct Provisioned<U> {
    user: Arc<U>,
    outcome: Outcome,
    tokens_valid_after: Option<i64>,
}

impl<U> Provisioned<U> {
    /// Creates a result for a user that existed and was not changed.
    pub fn found(user: impl Into<Arc<U>>, entry: Entry) -> Self {
        Self::entered(user, Outcome::Found, entry)
    }

    /// Creates a result for a user that this call created.
    ///
    /// # Errors
    ///
    /// [`Denied`](ProvisionError::Denied) with `pending_approval` if the policy requires approval of
    /// new users. The user stays stored with its [standing](super::Admission::standing).
    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permission counts for one result"
    )]
    pub fn created(user: impl Into<Arc<U>>, admission: Admission) -> Result<Self, ProvisionError> {
        match admission.standing().status() {
            UserStatus::Pending => Err(DenialReason::PendingApproval.into()),
            _ => Ok(Self::new(user, Outcome::Created)),
        }
    }

    /// Creates a result for an existing user that this call linked the identity to.
    pub fn linked(user: impl Into<Arc<U>>, permit: LinkPermit) -> Self {
        Self::entered(user, Outcome::Linked, permit.entry)
    }

    /// Creates a result for an existing user that this call updated.
    pub fn updated(user: impl Into<Arc<U>>, entry: Entry) -> Self {
        Self::entered(user, Outcome::Updated, entry)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "a permission counts for one result"
    )]
    fn entered(user: impl Into<Arc<U>>, outcome: Outcome, entry: Entry) -> Self {
        Self::new(user, outcome).with_tokens_valid_after(entry.tokens_valid_after)
    }

    pub(crate) fn new(user: impl Into<Arc<U>>, outcome: Outcome) -> Self {
        Self {
            user: user.into(),
            outcome,
            tokens_valid_after: None,
        }
    }

    /// Sets the time until which issued tokens are revoked, in milliseconds since the Unix epoch.
    ///
    /// A cache needs the time to check later tokens of the same user.
    pub(crate) fn with_tokens_valid_after(mut self, instant: Option<i64>) -> Self {
        self.tokens_valid_after = instant;
        self
    }

    /// Converts the user, for a provisioner that wraps another one and has its own user type.
    pub fn map<V>(self, convert: impl FnOnce(&U) -> V) -> Provisioned<V> {
        Provisioned {
            user: Arc::new(convert(&self.user)),
            outcome: self.outcome,
            tokens_valid_after: self.tokens_valid_after,
        }
    }

    /// Returns the time until which issued tokens are revoked, in milliseconds since the Unix
    /// epoch.
    ///
    /// `None` means that no token is revoked.
    #[must_use]
    pub fn tokens_valid_after(&self) -> Option<i64> {
        self.tokens_valid_after
    }

    /// Returns the same user with [`Outcome::Found`], for a request that did not create it.
    pub(super) fn as_found(&self) -> Self {
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

    /// Returns the outcome.
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

/// Shows only the outcome, because the user's fields are often personal data.
impl<U> fmt::Debug for Provisioned<U> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Provisioned")
            .field("outcome", &self.outcome)
            .finish_non_exhaustive()
    }
}
