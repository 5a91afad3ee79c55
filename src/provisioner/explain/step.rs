//! One line of an explanation.

use std::fmt;

/// One check or decision.
#[derive(Clone)]
pub struct Step {
    name: &'static str,
    result: StepResult,
    detail: String,
}

/// How a step went.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum StepResult {
    /// It refuses the request.
    Failed,
    /// It says something, and refuses nothing.
    Noted,
    /// It lets the request on.
    Passed,
    /// It was not reached, or has nothing to check.
    Skipped,
}

impl Step {
    /// Makes a step of a check's name, how it went, and what was compared with what.
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

    /// Returns how it went.
    #[must_use]
    pub fn result(&self) -> StepResult {
        self.result
    }

    /// Returns what was compared with what.
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
        // What came from a token must not write over the terminal.
        let plain = |c: char| match c.is_control() {
            true => '\u{fffd}',
            false => c,
        };
        let detail: String = self.detail.chars().map(plain).collect();
        write!(f, "[{mark}] {:<16} {detail}", self.name)
    }
}

/// Shows name and result only: the detail names claims.
impl fmt::Debug for Step {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Step")
            .field("name", &self.name)
            .field("result", &self.result)
            .finish_non_exhaustive()
    }
}
