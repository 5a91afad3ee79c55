//! The steps of a request and its verdict.

use std::fmt;

use crate::provisioner::{Outcome, explain::Step};

/// The steps and the verdict of a request with a given token.
#[derive(Clone)]
pub struct Explanation {
    pub(super) steps: Vec<Step>,
    pub(super) verdict: Result<Outcome, &'static str>,
}

impl Explanation {
    /// Returns the steps in order.
    #[must_use]
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// Returns the outcome of the request.
    ///
    /// # Errors
    ///
    /// Returns the label of the refusal if the request would be refused: that of a
    /// [`TokenFault`](crate::TokenFault) or a [`ProvisionError`](crate::ProvisionError),
    /// `insufficient_scope`, or `keys`.
    pub fn verdict(&self) -> Result<Outcome, &'static str> {
        self.verdict
    }
}

/// Writes one line for each step, then the verdict.
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

/// Shows only the verdict, because the steps contain claims.
impl fmt::Debug for Explanation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Explanation")
            .field("verdict", &self.verdict)
            .finish_non_exhaustive()
    }
}
