//! The layer with a real issuer: `oidc-provider`, a certified OpenID provider, on loopback.
//!
//! The issuer signs, publishes, rotates keys and stops for real; keys are fetched over HTTP, users
//! are stored in SQLite, and every request goes through a listening axum server. Needs `node` and
//! `npm`; without them the scenarios are listed as ignored. The provider is installed once, from
//! the lock file next to this file, into cargo's target folder.
//!
//! A real process cannot be paused, so this is the only test that depends on the wall clock.

mod app;
mod client;
mod issuer;
mod load;
mod outage;
mod rotation;
mod tokens;

use std::{
    pin::Pin,
    time::{Duration, Instant},
};

use libtest_mimic::Trial;
use tokio::{runtime::Runtime, time::sleep};

/// Upper limit for every operation that is not measured; long enough for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

struct Scenario {
    name: &'static str,
    run: fn() -> Pin<Box<dyn Future<Output = ()>>>,
}

macro_rules! scenarios {
    ($($module:ident::$name:ident,)*) => {
        [$(Scenario {
            name: concat!(stringify!($module), "::", stringify!($name)),
            run: || Box::pin($module::$name()),
        },)*]
    };
}

const SCENARIOS: [Scenario; 5] = scenarios![
    tokens::a_person_who_signs_in_is_created_once_and_found_again,
    tokens::a_service_signs_up_only_where_allowed,
    tokens::what_is_no_access_token_is_refused,
    rotation::no_valid_request_is_refused_while_keys_rotate,
    outage::known_keys_serve_while_the_issuer_is_gone,
];

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let missing = issuer::missing();
    SCENARIOS.into_iter().map(move |scenario| {
        let trial = Trial::test(scenario.name, move || {
            Runtime::new()?.block_on((scenario.run)());
            Ok(())
        });
        match missing {
            None => trial,
            Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
        }
    })
}

/// Prints the figures of a scenario.
fn print_figures(scenario: &str, figures: &[(&str, String)]) {
    println!("\n  {scenario}");
    for (name, figure) in figures {
        println!("    {name:<52}{figure:>10}");
    }
}

fn seconds(duration: Duration) -> String {
    format!("{:.2} s", duration.as_secs_f64())
}

/// Polls until a condition holds, and returns how long that took.
async fn until<F: Future<Output = bool>>(what: &str, mut holds: impl FnMut() -> F) -> Duration {
    let start = Instant::now();
    while !holds().await {
        assert!(start.elapsed() < PATIENCE, "{what}: not in time");
        sleep(Duration::from_millis(10)).await;
    }
    start.elapsed()
}
