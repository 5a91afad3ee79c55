//! The verdicts of a run.

use std::{error::Error as StdError, fmt};

use super::{catalogue::rank, verdict::Verdict};

/// The verdicts on one implementation.
#[derive(Clone, Debug)]
pub struct Report {
    implementation: String,
    verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// Creates an empty report on an implementation.
    #[must_use]
    pub fn new(implementation: impl Into<String>) -> Self {
        Self {
            implementation: implementation.into(),
            verdicts: Vec::new(),
        }
    }

    /// Adds a verdict, in the order of the [checks](super::checks).
    pub fn add(&mut self, check: &'static str, verdict: Verdict) {
        let position = self
            .verdicts
            .partition_point(|(it, _)| rank(it) <= rank(check));
        self.verdicts.insert(position, (check, verdict));
    }

    /// Returns the name of the implementation.
    #[must_use]
    pub fn implementation(&self) -> &str {
        &self.implementation
    }

    /// Returns the verdict of a check. `None` means that the check was not run.
    #[must_use]
    pub fn verdict(&self, check: &str) -> Option<&Verdict> {
        let mut verdicts = self.verdicts.iter();
        verdicts.find_map(|(it, verdict)| (*it == check).then_some(verdict))
    }

    /// Returns all verdicts with the names of their checks.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.verdicts
            .iter()
            .map(|(check, verdict)| (*check, verdict))
    }

    /// Returns the number of checks that passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        let passed = |verdict: &&(_, Verdict)| verdict.1 == Verdict::Passed;
        self.verdicts.iter().filter(passed).count()
    }

    /// Returns the names of the checks that found a violation.
    pub fn violated(&self) -> impl Iterator<Item = &'static str> {
        let violated = |verdict: &&(_, _)| matches!(verdict.1, Verdict::Violated(_));
        self.verdicts
            .iter()
            .filter(violated)
            .map(|(check, _)| *check)
    }
}

/// Writes one line for each check, with the reason of a verdict beside it.
impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{}:", self.implementation)?;
        for (check, verdict) in &self.verdicts {
            match verdict {
                Verdict::NotApplicable(not) => {
                    writeln!(f, "  not applicable  {check}: {}", not.reason())?;
                }
                Verdict::Passed => writeln!(f, "  passed          {check}")?,
                Verdict::Violated(violation) => {
                    writeln!(f, "  VIOLATED        {check}: {violation}")?;
                }
            }
        }
        Ok(())
    }
}

/// Error returned when an implementation breaks a rule. Contains the report.
pub struct Nonconforming(Report);

impl Nonconforming {
    pub(super) fn new(report: Report) -> Self {
        Self(report)
    }

    /// Returns the report.
    #[must_use]
    pub fn into_report(self) -> Report {
        self.0
    }
}

impl fmt::Display for Nonconforming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Report {
            implementation,
            verdicts,
        } = &self.0;
        let (broken, all) = (self.0.violated().count(), verdicts.len());
        write!(
            f,
            "{implementation} breaks {broken} of {all} rules:\n\n{}",
            self.0
        )
    }
}

/// The same text as `Display`, so that `unwrap` in a test shows the report.
impl fmt::Debug for Nonconforming {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl StdError for Nonconforming {}

#[cfg(test)]
mod tests {
    use super::{super::verdict::Rule, *};
    use crate::testing::conformance::NotApplicable;

    fn report(implementation: &str) -> Report {
        let mut report = Report::new(implementation);
        let violation = Rule("case counts").violation("one user for two");
        report.add("case_makes_another_user", Verdict::Violated(violation));
        report.add("a_known_user_is_found", Verdict::Passed);
        report
    }

    #[test]
    fn a_report_has_a_line_for_each_check_in_the_order_of_the_catalogue() {
        let mut report = report("mine");
        let not = Verdict::NotApplicable(NotApplicable::new("the store cannot be broken"));
        report.add("a_failing_store_is_unavailable", not);
        assert_eq!(
            report.to_string(),
            "\
mine:
  passed          a_known_user_is_found
  VIOLATED        case_makes_another_user: case counts; found: one user for two
  not applicable  a_failing_store_is_unavailable: the store cannot be broken
"
        );
    }

    #[test]
    fn the_error_shows_the_report() {
        let error = format!("{:?}", Nonconforming::new(report("mine")));
        assert!(error.starts_with("mine breaks 1 of 2 rules"), "{error}");
        assert!(error.contains("VIOLATED        case_makes_another_user: case counts"));
    }
}
