//! The printed summary of a storm.

use crate::common::rows::Rows;

use super::report::Report;

/// The figures of the storm.
pub(crate) struct Table(Vec<(&'static str, String)>);

impl Table {
    pub(crate) fn new(reports: &[Report], rows: &Rows, seconds: f64) -> Self {
        let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
        let (calls, statements) = (sum(|it| it.calls), sum(|it| it.statements));
        let per_call = statements as f64 / calls.max(1) as f64;
        Self(vec![
            ("calls", calls.to_string()),
            ("callers who hung up", sum(|it| it.hung_up).to_string()),
            ("reported `created`", sum(|it| it.created.len()).to_string()),
            ("users", rows.users.len().to_string()),
            ("identities", rows.identities.len().to_string()),
            ("events", rows.events.len().to_string()),
            ("grants", rows.grants.len().to_string()),
            ("errors", sum(|it| it.errors.len()).to_string()),
            (
                "failed statements",
                sum(|it| it.failed_statements).to_string(),
            ),
            ("statements per call", format!("{per_call:.2}")),
            ("seconds", format!("{seconds:.1}")),
        ])
    }

    pub(crate) fn print(&self, backend: &str) {
        println!("\n  {backend}");
        for (name, figure) in &self.0 {
            println!("    {name:<24}{figure:>8}");
        }
    }
}
