//! What a run came to, readable.

use std::{error::Error as StdError, fmt};

use super::{catalogue::rank, verdict::Verdict};

/// The verdicts on one implementation; displays as a table of one column, with reasons below.
#[derive(Clone, Debug)]
pub struct Report {
    implementation: String,
    verdicts: Vec<(&'static str, Verdict)>,
}

impl Report {
    /// Starts an empty report about an implementation.
    #[must_use]
    pub fn new(implementation: impl Into<String>) -> Self {
        Self {
            implementation: implementation.into(),
            verdicts: Vec::new(),
        }
    }

    /// Adds a verdict, at its check's place.
    pub fn add(&mut self, check: &'static str, verdict: Verdict) {
        let place = self
            .verdicts
            .partition_point(|(it, _)| rank(it) <= rank(check));
        self.verdicts.insert(place, (check, verdict));
    }

    /// Returns the name of the implementation.
    #[must_use]
    pub fn implementation(&self) -> &str {
        &self.implementation
    }

    /// Returns the verdict of a check that was run.
    #[must_use]
    pub fn verdict(&self, check: &str) -> Option<&Verdict> {
        let mut verdicts = self.verdicts.iter();
        verdicts.find_map(|(it, verdict)| (*it == check).then_some(verdict))
    }

    /// Returns all verdicts, by the name of the check.
    pub fn verdicts(&self) -> impl Iterator<Item = (&'static str, &Verdict)> {
        self.verdicts
            .iter()
            .map(|(check, verdict)| (*check, verdict))
    }

    /// Counts the checks that passed.
    #[must_use]
    pub fn passed(&self) -> usize {
        let passed = |verdict: &&(_, Verdict)| verdict.1 == Verdict::Passed;
        self.verdicts.iter().filter(passed).count()
    }

    /// Returns the names of the checks that found a rule broken.
    pub fn violated(&self) -> impl Iterator<Item = &'static str> {
        let violated = |verdict: &&(_, _)| matches!(verdict.1, Verdict::Violated(_));
        self.verdicts
            .iter()
            .filter(violated)
            .map(|(check, _)| *check)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_table(f, &[self])
    }
}

/// The verdicts on several implementations side by side, a column each.
#[derive(Clone, Debug, Default)]
pub struct Table(Vec<Report>);

impl FromIterator<Report> for Table {
    fn from_iter<I: IntoIterator<Item = Report>>(reports: I) -> Self {
        Self(reports.into_iter().collect())
    }
}

impl fmt::Display for Table {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_table(f, &self.0.iter().collect::<Vec<_>>())
    }
}

/// Writes Markdown: it is read in a terminal and pasted into documents.
fn write_table(f: &mut fmt::Formatter<'_>, reports: &[&Report]) -> fmt::Result {
    let mut checks: Vec<&str> = reports
        .iter()
        .flat_map(|report| report.verdicts.iter().map(|(check, _)| *check))
        .collect();
    checks.sort_by_key(|check| rank(check));
    checks.dedup();

    let header = reports.iter().map(|report| report.implementation.as_str());
    let mut rows = vec![[""].into_iter().chain(header).collect::<Vec<_>>()];
    for check in checks {
        let cells = reports.iter().map(|report| word(report.verdict(check)));
        rows.push([check].into_iter().chain(cells).collect());
    }
    let width = |column: usize| rows.iter().map(|row| row[column].chars().count()).max();
    let widths: Vec<usize> = (0..=reports.len()).filter_map(width).collect();
    for (number, row) in rows.iter().enumerate() {
        for (cell, width) in row.iter().zip(&widths) {
            write!(f, "| {cell:width$} ")?;
        }
        writeln!(f, "|")?;
        if number == 0 {
            for width in &widths {
                write!(f, "|{:-<1$}", "", width + 2)?;
            }
            writeln!(f, "|")?;
        }
    }
    for report in reports {
        write_reasons(f, report)?;
    }
    Ok(())
}

fn word(verdict: Option<&Verdict>) -> &'static str {
    match verdict {
        None => "not run",
        Some(Verdict::NotApplicable(_)) => "not applicable",
        Some(Verdict::Passed) => "passed",
        Some(Verdict::Violated(_)) => "VIOLATED",
    }
}

fn write_reasons(f: &mut fmt::Formatter<'_>, report: &Report) -> fmt::Result {
    let mut reasons: Vec<&str> = Vec::new();
    for (_, verdict) in &report.verdicts {
        if let Verdict::NotApplicable(not) = verdict
            && !reasons.contains(&not.reason())
        {
            reasons.push(not.reason());
        }
    }
    let name = &report.implementation;
    if !reasons.is_empty() {
        writeln!(f, "\n{name}, not applicable: {}.", reasons.join("; "))?;
    }
    for (check, verdict) in &report.verdicts {
        if let Verdict::Violated(violation) = verdict {
            writeln!(f, "\n{name}, {check}: {violation}.")?;
        }
    }
    Ok(())
}

/// An implementation that breaks a rule: the report that shows it.
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

/// As displayed: `unwrap` in a test shows the table.
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
    fn a_report_is_a_table_with_reasons_below() {
        let mut report = report("mine");
        let not = Verdict::NotApplicable(NotApplicable::new("the store cannot be broken"));
        report.add("a_failing_store_is_unavailable", not.clone());
        report.add("a_mended_store_is_asked_again", not);
        assert_eq!(
            report.to_string(),
            "\
|                                | mine           |
|--------------------------------|----------------|
| a_known_user_is_found          | passed         |
| case_makes_another_user        | VIOLATED       |
| a_failing_store_is_unavailable | not applicable |
| a_mended_store_is_asked_again  | not applicable |

mine, not applicable: the store cannot be broken.

mine, case_makes_another_user: case counts; found: one user for two.
"
        );
    }

    #[test]
    fn reports_stand_side_by_side() {
        let mut theirs = Report::new("theirs");
        theirs.add("case_makes_another_user", Verdict::Passed);
        let table = Table::from_iter([report("mine"), theirs]).to_string();
        assert!(
            table.starts_with(
                "\
|                         | mine     | theirs  |
|-------------------------|----------|---------|
| a_known_user_is_found   | passed   | not run |
| case_makes_another_user | VIOLATED | passed  |
"
            ),
            "{table}"
        );
    }

    #[test]
    fn the_error_shows_the_table() {
        let error = format!("{:?}", Nonconforming::new(report("mine")));
        assert!(error.starts_with("mine breaks 1 of 2 rules"), "{error}");
        assert!(error.contains("| case_makes_another_user | VIOLATED |"));
    }
}
