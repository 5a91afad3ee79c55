//! The verdict of a check.

use std::{error::Error as StdError, fmt};

use super::harness::NotApplicable;

/// Verdict of a check.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Verdict {
    /// The check was not applicable, so nothing was checked.
    NotApplicable(NotApplicable),
    /// The rule holds.
    Passed,
    /// The implementation breaks the rule.
    Violated(Violation),
}

impl From<Result<(), Failure>> for Verdict {
    fn from(result: Result<(), Failure>) -> Self {
        match result {
            Ok(()) => Self::Passed,
            Err(Failure::NotApplicable(reason)) => Self::NotApplicable(reason),
            Err(Failure::Violated(violation)) => Self::Violated(violation),
        }
    }
}

/// Error of a check that did not pass. A check that was not applicable is also a failure, so that
/// an unchecked rule never counts as passed.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum Failure {
    /// The check was not applicable, so nothing was checked.
    NotApplicable(NotApplicable),
    /// The implementation breaks the rule.
    Violated(Violation),
}

impl From<NotApplicable> for Failure {
    fn from(reason: NotApplicable) -> Self {
        Self::NotApplicable(reason)
    }
}

impl From<Violation> for Failure {
    fn from(violation: Violation) -> Self {
        Self::Violated(violation)
    }
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotApplicable(reason) => reason.fmt(f),
            Self::Violated(violation) => violation.fmt(f),
        }
    }
}

impl StdError for Failure {}

/// A rule that the implementation breaks, and the observation that shows it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Violation {
    rule: &'static str,
    found: String,
}

impl Violation {
    /// Returns the rule.
    #[must_use]
    pub fn rule(&self) -> &'static str {
        self.rule
    }

    /// Returns the observation.
    #[must_use]
    pub fn found(&self) -> &str {
        &self.found
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}; found: {}", self.rule, self.found)
    }
}

impl StdError for Violation {}

/// A rule of the contract, as a sentence.
#[derive(Clone, Copy)]
pub(super) struct Rule(pub(super) &'static str);

impl Rule {
    pub(super) fn violation(self, found: impl fmt::Display) -> Violation {
        Violation {
            rule: self.0,
            found: found.to_string(),
        }
    }

    /// Returns a violation unless the rule holds.
    pub(super) fn holds(self, holds: bool, found: impl fmt::Display) -> Result<(), Violation> {
        match holds {
            true => Ok(()),
            false => Err(self.violation(found)),
        }
    }
}
