//! The result of a call to a provisioner.

use std::{collections::HashSet, fmt};

use super::verdict::{Rule, Violation};
use crate::{error::ProvisionError, provisioner::outcome::Outcome};

/// The result of a call: the ID of the user and the outcome, or the error.
#[derive(Clone, Debug)]
pub(super) enum CallResult {
    Refused(ProvisionError),
    User { id: String, outcome: Outcome },
}

impl CallResult {
    /// Returns the ID of the user, or a violation if the call was refused.
    pub(super) fn user(&self, rule: Rule) -> Result<&str, Violation> {
        match self {
            Self::Refused(_) => Err(rule.violation(self)),
            Self::User { id, .. } => Ok(id),
        }
    }

    pub(super) fn outcome(&self) -> Option<Outcome> {
        match self {
            Self::Refused(_) => None,
            Self::User { outcome, .. } => Some(*outcome),
        }
    }

    /// Asserts the outcome, and returns the ID of the user.
    pub(super) fn expect(&self, rule: Rule, expected: Outcome) -> Result<&str, Violation> {
        rule.holds(self.outcome() == Some(expected), self)?;
        self.user(rule)
    }

    /// Asserts that the call returned this known user.
    pub(super) fn expect_known(&self, rule: Rule, id: &str) -> Result<(), Violation> {
        let is_known = matches!(self.outcome(), Some(Outcome::Found | Outcome::Updated));
        rule.holds(is_known && self.user(rule)? == id, self)
    }

    /// Asserts a refusal with this label.
    pub(super) fn expect_refusal(&self, rule: Rule, reason: &str) -> Result<(), Violation> {
        rule.holds(self.is_refusal(reason), self)
    }

    pub(super) fn is_refusal(&self, reason: &str) -> bool {
        matches!(self, Self::Refused(error) if error.reason() == reason)
    }
}

impl fmt::Display for CallResult {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::User { id, outcome } => write!(f, "{} user {id}", outcome.as_str()),
            Self::Refused(ProvisionError::Unavailable(cause)) => write!(f, "unavailable: {cause}"),
            Self::Refused(error) => write!(f, "refused: {}", error.reason()),
        }
    }
}

/// Asserts that all calls returned the same user.
pub(super) fn assert_one_id(rule: Rule, results: &[CallResult]) -> Result<(), Violation> {
    let mut ids = HashSet::new();
    for result in results {
        ids.insert(result.user(rule)?);
    }
    rule.holds(
        ids.len() == 1,
        format!("{} users of one identity", ids.len()),
    )
}
