//! Real programs on both ends of a socket: the examples' binaries, `curl`, a gRPC client in Python and
//! a browser.
//!
//! What a machine lacks is named, and the scenarios that need it are listed as ignored. Every line
//! that an example prints as something to try is tried here.

mod browser;
mod curl;
mod demo;
mod example;
mod grpc;
mod guide;
mod own_users;
mod python;

use std::{
    pin::Pin,
    process::{Command, ExitCode, Stdio},
    time::Duration,
};

use libtest_mimic::{Arguments, Trial};
use tokio::runtime::Runtime;

/// How long a program may take for what is not measured: slow machines pass too.
const PATIENCE: Duration = Duration::from_secs(60);

struct Scenario {
    name: &'static str,
    missing: fn() -> Option<&'static str>,
    run: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        [$(Scenario {
            name: concat!(stringify!($module), "::", stringify!($name)),
            missing: $module::missing,
            run: || Box::pin($module::$name()),
        },)*]
    };
}

const SCENARIOS: [Scenario; 12] = scenarios![
    curl::axum_minimal_answers_as_it_says,
    curl::authorization_answers_as_it_says,
    demo::demo_prints_its_transcript,
    grpc::tonic_server_answers_its_own_client,
    grpc::axum_and_tonic_share_users_on_one_port,
    own_users::existing_users_table_answers_as_it_says,
    own_users::existing_users_table_rehearses,
    own_users::custom_provisioner_answers_as_it_says,
    guide::manual_tests_print_what_the_guide_says,
    guide::the_server_is_run_as_the_guide_says,
    python::grpcio_reads_every_status,
    browser::fetch_reads_answers_of_another_origin,
];

fn main() -> ExitCode {
    let arguments = Arguments::from_args();
    if !arguments.list {
        example::build();
    }
    let trials = SCENARIOS.into_iter().map(|scenario| {
        let trial = Trial::test(scenario.name, move || {
            Runtime::new()?.block_on((scenario.run)());
            Ok(())
        });
        match (scenario.missing)() {
            None => trial,
            Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        }
    });
    libtest_mimic::run(&arguments, trials.collect()).exit_code()
}

/// Whether a program is there and does what is asked.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}
