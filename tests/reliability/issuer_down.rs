//! The issuer is down for the whole run, its keys are known: no request is affected.

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
    door::{AUDIENCE, Door},
    figures::Figures,
};

const TASKS: usize = 4;

/// People, each with a token of before the issuer went down.
const PEOPLE: usize = 500;

/// Every so many requests come with a new token.
const FRESH_EVERY: usize = 10;

/// What one caller came to.
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
    // As often as it goes, so that fetches fail all the time.
    let refresh = KeyRefresh::new().with_interval(Duration::from_secs(1));
    let trusted = TrustedIssuer::discover(issuer.name(), AUDIENCE).with_key_refresh(refresh);
    let verifier = JwtVerifier::new([trusted]).expect("a verifier");
    verifier.ready().await.expect("keys");
    let door = Door::new(verifier.clone());
    let tokens: Arc<[String]> = (0..PEOPLE).map(|person| mint(&issuer, person)).collect();

    issuer.stop();
    let fetched = issuer.requests(Endpoint::Jwks);
    let started = Instant::now();
    let mut callers = JoinSet::new();
    for task in 0..TASKS {
        let (door, issuer, tokens) = (door.clone(), issuer.clone(), Arc::clone(&tokens));
        callers.spawn(async move {
            let mut tally = Tally::default();
            for number in (task..requests).step_by(TASKS) {
                let person = number % PEOPLE;
                let is_fresh = (number / TASKS).is_multiple_of(FRESH_EVERY);
                let answer = match is_fresh {
                    true => door.call(&mint(&issuer, person)).await,
                    false => door.call(&tokens[person]).await,
                };
                tally.requests += 1;
                tally.fresh += usize::from(is_fresh);
                tally.slowest = tally.slowest.max(answer.took);
                if !answer.is_for(&subject(person)) {
                    tally.refused.push(format!("{answer:?}"));
                }
                // As a server does between requests: a first request waits for a task of its own.
                yield_now().await;
            }
            tally
        });
    }
    let tallies = callers.join_all().await;
    let took = started.elapsed();
    // A fetch that failed proves that one was made.
    let error = wait_for_failure(&verifier).await;

    let sum = |of: fn(&Tally) -> usize| tallies.iter().map(of).sum::<usize>();
    let (answered, refused) = (sum(|it| it.requests), sum(|it| it.refused.len()));
    let mut figures = Figures::default();
    figures.must("valid requests", answered, answered >= 100_000);
    figures.add("of these with a token nobody had seen", sum(|it| it.fresh));
    figures.must("refused, or let in as somebody else", refused, refused == 0);
    let users = door.users();
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

/// The background refresh is due within a second, and fails.
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
