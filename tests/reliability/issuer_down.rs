//! The issuer is down for the whole run, but its keys are known: no request is affected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use tokio::task::{JoinSet, yield_now};
use tower_jit_provisioning::{
    JwtVerifier, TrustedIssuer,
    testing::{Endpoint, TestIssuer},
    verifier::KeyRefresh,
};

use crate::{
    app::{AUDIENCE, App},
    figures::Figures,
};

const TASKS: usize = 4;

/// Number of people, each with a token issued before the outage.
const PEOPLE: usize = 500;

/// Interval, in requests, between new tokens.
const FRESH_EVERY: usize = 10;

/// Results of one caller.
#[derive(Default)]
struct Tally {
    requests: usize,
    fresh: usize,
    refused: Vec<String>,
    slowest: Duration,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let requests = if is_long { 2_000_000 } else { 100_000 };
    let issuer = TestIssuer::serve();
    // The shortest interval, so that fetches fail all the time.
    let refresh = KeyRefresh::new().with_interval(Duration::from_secs(1));
    let trusted = TrustedIssuer::discover(issuer.name(), AUDIENCE).with_key_refresh(refresh);
    let verifier = JwtVerifier::new([trusted]).expect("a verifier");
    verifier.ready().await.expect("keys");
    let app = App::new(verifier.clone());
    let tokens: Arc<[String]> = (0..PEOPLE).map(|person| mint(&issuer, person)).collect();

    issuer.stop();
    let fetched = issuer.requests(Endpoint::Jwks);
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for task in 0..TASKS {
        let (app, issuer, tokens) = (app.clone(), issuer.clone(), Arc::clone(&tokens));
        callers.spawn(async move {
            let mut tally = Tally::default();
            for number in (task..requests).step_by(TASKS) {
                let person = number % PEOPLE;
                let is_fresh = (number / TASKS).is_multiple_of(FRESH_EVERY);
                let answer = match is_fresh {
                    true => app.call(&mint(&issuer, person)).await,
                    false => app.call(&tokens[person]).await,
                };
                tally.requests += 1;
                tally.fresh += usize::from(is_fresh);
                tally.slowest = tally.slowest.max(answer.took);
                if !answer.is_for(&subject(person)) {
                    tally.refused.push(format!("{answer:?}"));
                }
                // Yields as a server does between requests: a first request waits for a separate
                // task.
                yield_now().await;
            }
            tally
        });
    }
    let tallies = callers.join_all().await;
    let took = started.elapsed();
    // A failed fetch proves that a fetch was attempted.
    let error = wait_for_failure(&verifier).await;

    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let (answered, refused) = (sum(|it| it.requests), sum(|it| it.refused.len()));
    let mut figures = Figures::default();
    figures.must("valid requests", answered, answered >= 100_000);
    figures.add("of these with a new token", sum(|it| it.fresh));
    figures.must("refused, or served as another user", refused, refused == 0);
    let users = app.users();
    figures.must("users", users, users == PEOPLE);
    let reached = issuer.requests(Endpoint::Jwks) - fetched;
    figures.must("fetches that reached the issuer", reached, reached == 0);
    figures.must("a fetch failed meanwhile", error, error);
    let slowest = tallies.iter().map(|tally| tally.slowest).max();
    figures.add("slowest request, ms", millis(slowest.unwrap_or_default()));
    figures.add(
        "requests a second",
        answered / took.as_secs().max(1) as usize,
    );
    if let Some(first) = tallies.iter().find_map(|tally| tally.refused.first()) {
        figures.add("first refusal", first);
    }
    figures
}

fn subject(person: usize) -> String {
    format!("person-{person}")
}

fn mint(issuer: &TestIssuer, person: usize) -> String {
    let token = issuer.token(&subject(person)).audience(AUDIENCE);
    token.expires_in(Duration::from_secs(24 * 60 * 60)).sign()
}

/// Waits for the background refresh, which is due within a second, to fail.
async fn wait_for_failure(verifier: &JwtVerifier) -> bool {
    let failed = async {
        while verifier.status()[0].last_error.is_none() {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(10), failed)
        .await
        .is_ok()
}

fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}
