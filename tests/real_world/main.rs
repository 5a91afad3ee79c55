//! The crate with other software: a certified OpenID provider, and four Python libraries.
//!
//! Trials whose programs are not installed are listed as ignored.

mod differential;
#[cfg(all(
    feature = "axum",
    feature = "jwks",
    feature = "migration",
    feature = "testing"
))]
mod real_issuer;

use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Trials run one at a time: they print measurements, and their loads would slow each other
    // down.
    arguments.test_threads.get_or_insert(1);
    let trials = [differential::trial()].into_iter();
    #[cfg(all(
        feature = "axum",
        feature = "jwks",
        feature = "migration",
        feature = "testing"
    ))]
    let trials = trials.chain(real_issuer::trials());
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}
