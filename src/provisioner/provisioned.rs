//! A user, and what provisioning did.

use std::{fmt, sync::Arc};

use super::outcome::Outcome;

/// A user, and what provisioning did to have it.
pub struct Provisioned<U> {
    user: Arc<U>,
    outcome: Outcome,
    tokens_valid_after: Option<i64>,
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

    pub(crate) fn new(user: impl Into<Arc<U>>, outcome: Outcome) -> Self {
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
