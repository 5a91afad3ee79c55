//! A step of an explanation.

use std::fmt;

/// A check or a decision, with its result.
#[derive(Clone)]
pub struct Step {
    name: &'static str,
    result: StepResult,
    detail: String,
}

/// Result of a step.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StepResult {
    /// The step refuses the request.
    Failed,
    /// The step is informational.
    Noted,
    /// The step does not refuse the request.
    Passed,
    /// The step was not reached, or had nothing to check.
    Skipped,
}

impl Step {
    /// Creates a step from the name of a check, its result, and the values that were compared.
    #[must_use]
    pub fn new(name: &'static str, result: StepResult, detail: impl Into<String>) -> Self {
        let detail = detail.into();
        Self {
            name,
            result,
            detail,
        }
    }

    pub(crate) fn check(name: &'static str, holds: bool, detail: impl Into<String>) -> Self {
        let result = match holds {
            true => StepResult::Passed,
            false => StepResult::Failed,
        };
        Self::new(name, result, detail)
    }

    pub(crate) fn note(name: &'static str, detail: impl Into<String>) -> Self {
        Self::new(name, StepResult::Noted, detail)
    }

    /// Returns the name of the check: `audience`, `status`, `sign-up` …
    #[must_use]
    pub fn name(&self) -> &'static str {
        self.name
    }

    /// Returns the result.
    #[must_use]
    pub fn result(&self) -> StepResult {
        self.result
    }

    /// Returns the values that were compared.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mark = match self.result {
            StepResult::Failed => "FAIL",
            StepResult::Noted => "    ",
            StepResult::Passed => " ok ",
            StepResult::Skipped => "  - ",
        };
        // Values from a token must not send control sequences to a terminal.
        let plain = |c: char| match c.is_control() {
            true => '\u{fffd}',
            false => c,
        };
        let detail: String = self.detail.chars().map(plain).collect();
        write!(f, "[{mark}] {:<16} {detail}", self.name)
    }
}

/// Shows only name and result, because the detail contains claims.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}
