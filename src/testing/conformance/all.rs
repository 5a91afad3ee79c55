//! A run of every check.

use super::{
    catalogue::checks,
    harness::Harness,
    report::{Nonconforming, Report},
};

/// Runs every check in turn, each on a new store created by `fresh`.
///
/// # Errors
///
/// Returns an error if a check finds a violation. The error displays the report.
///
/// # Panics
///
/// Panics on a current-thread runtime, and if `fresh` or [`Harness::close`] panics.
pub async fn all<H, F>(
    implementation: impl Into<String>,
    fresh: impl Fn() -> F,
) -> Result<Report, Nonconforming>
where
    H: Harness,
    F: Future<Output = H> + Send,
{
    let mut report = Report::new(implementation);
    for check in checks::<H>() {
        report.add(check.name(), check.run(fresh()).await);
    }
    match report.violated().count() {
        0 => Ok(report),
        _ => Err(Nonconforming::new(report)),
    }
}
