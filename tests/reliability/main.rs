//! What holds while everything around the layer goes wrong, in figures.
//!
//! Each row of the table plays one fault under load, prints what it measured, and fails if a figure
//! is not what is promised. By default a row takes some seconds; the figures that are worth quoting
//! come from the long form, which takes minutes:
//!
//! ```sh
//! RELIABILITY=long cargo test --release --all-features --test reliability
//! ```

mod clocks;
mod door;
mod figures;
mod floods;
mod issuer_down;
mod issuer_faults;
mod memory;
mod rotation;

use std::{env, process::ExitCode, time::Instant};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use self::figures::Figures;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One at a time: a row measures times and memory.
    arguments.test_threads.get_or_insert(1);
    let is_long = env::var("RELIABILITY").is_ok_and(|length| length == "long");
    let trials = vec![
        row("issuer_down", move || issuer_down::run(is_long)),
        row("key_rotation", move || rotation::run(is_long)),
        row("issuer_faults", move || issuer_faults::run(is_long)),
        row("floods", move || floods::run(is_long)),
        row("clocks", move || clocks::run(is_long)),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

/// A row by its name. What it returns is printed, whether it held or not.
fn row<F>(name: &'static str, run: impl FnOnce() -> F + Send + 'static) -> Trial
where
    F: Future<Output = Figures>,
{
    Trial::test(name, move || {
        let started = Instant::now();
        let mut figures = Runtime::new()?.block_on(run());
        figures.add("seconds", format!("{:.1}", started.elapsed().as_secs_f64()));
        figures.print(name);
        figures.verdict().map_err(Failed::from)
    })
}
