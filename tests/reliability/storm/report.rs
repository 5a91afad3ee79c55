//! A process's report on a round.

use serde::{Deserialize, Serialize};

/// One line of JSON.
#[derive(Debug, Default, Deserialize, Serialize)]
pub(crate) struct Report {
    pub(crate) calls: usize,
    pub(crate) hung_up: usize,
    /// All people that were reported as created to a caller.
    pub(crate) created: Vec<usize>,
    pub(crate) errors: Vec<String>,
    pub(crate) statements: usize,
    /// Lost races: each is an `INSERT` that conflicted with the winner's row.
    pub(crate) failed_statements: usize,
}
