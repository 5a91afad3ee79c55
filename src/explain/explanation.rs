//! The steps of a request and their verdict.

use std::fmt;

use crate::provisioner::{Outcome, explain::Step};

/// What a request with a token would do, step by step.
#[derive(Clone)]
pub struct Explanation {
    pub(super) steps: Vec<Step>,
    pub(super) verdict: Result<Outcome, &'static str>,
}

impl Explanation {
    /// Returns the steps, in the order in which they are taken.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns what the request would do, or the label of what refuses it: a
    /// [`TokenFault`](crate::TokenFault)'s, `insufficient_scope`, `keys`, or a
    /// [`ProvisionError`](crate::ProvisionError)'s.
    ///
    /// # Errors
    ///
    /// If the request would be refused.
    pub fn verdict(&self) -> Result<Outcome, &'static str> {
        self.verdict
    }
}

/// Writes a line a step and the verdict: one screen.
impl fmt::Display for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for step in &self.steps {
            writeln!(f, "{step}")?;
        }
        match self.verdict {
            Ok(outcome) => write!(f, "=> {}", outcome.as_str()),
            Err(reason) => write!(f, "=> refused: {reason}"),
        }
    }
}

/// Shows the verdict only: the steps name claims.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
