//! End-to-end tests with real programs: the examples' binaries, `curl`, a gRPC client in Python,
//! and a browser.
//!
//! Scenarios whose programs are missing on this machine are listed as ignored, with the reason.
//! Every command that an example prints is tested here.

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

/// Upper bound of waits that are not measured. Generous for slow machines.
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
    curl::the_curl_lines_of_axum_minimal_work,
    curl::the_curl_lines_of_authorization_work,
    demo::demo_prints_its_transcript,
    grpc::the_client_lines_of_tonic_server_work,
    grpc::axum_and_tonic_share_users_on_one_port,
    own_users::the_curl_lines_of_existing_users_table_work,
    own_users::existing_users_table_prints_responses_with_once,
    own_users::the_curl_lines_of_custom_provisioner_work,
    guide::manual_tests_print_what_the_guide_says,
    guide::the_server_chapter_prints_what_the_guide_says,
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

/// Returns whether the program exists and exits successfully.
fn succeeds(program: &str, arguments: &[&str]) -> bool {
    let mut command = Command::new(program);
    command.args(arguments).stdin(Stdio::null());
    command.output().is_ok_and(|output| output.status.success())
}
