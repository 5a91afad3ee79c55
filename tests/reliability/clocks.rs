//! This machine's clock is ahead, behind, or jumps: the cache accepts exactly the tokens that a
//! verifier without a cache would accept at the same time.

use std::{
    sync::atomic::{AtomicUsize, Ordering::Relaxed},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use http::StatusCode;
use proptest::{
    collection::vec,
    prelude::{Just, Strategy, prop_oneof},
    test_runner::{Config, RngAlgorithm, TestCaseError, TestRng, TestRunner},
};
use serde_json::json;
use tokio::{runtime::Builder, task::spawn_blocking};
use tower_jit_provisioning::{
    JwtVerifier, TokenFault, TrustedIssuer,
    testing::{ManualClock, TestIssuer},
    verifier::KeyRefresh,
};

use crate::{
    app::{AUDIENCE, App},
    figures::Figures,
};

const MINUTE: Duration = Duration::from_secs(60);

/// An event between two comparisons.
#[derive(Clone, Debug)]
enum Step {
    /// The clock jumps by this many milliseconds, forwards or backwards.
    Jump(i64),
    /// A token is minted, with these dates in milliseconds from now: issued, not before, expiring.
    Mint {
        issued: Option<i64>,
        not_before: Option<i64>,
        expires: i64,
    },
    /// Every token is verified again.
    Show,
    /// The operator changes leeway and maximum age, in seconds.
    Reload { leeway: u64, max_age: Option<u64> },
    /// The issuer signs with another key, and the operator trusts no other.
    Rotate,
}

/// Number of comparisons.
#[derive(Default)]
struct Tally {
    comparisons: AtomicUsize,
    hits: AtomicUsize,
    accepted: AtomicUsize,
    refused: AtomicUsize,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let cases = if is_long { 20_000 } else { 150 };
    let mut figures = Figures::default();
    for (name, holds) in documented().await {
        figures.must(name, holds, holds);
    }
    let (tally, result) = spawn_blocking(move || {
        let tally = Tally::default();
        let result = compare(cases, &tally);
        (tally, result)
    })
    .await
    .expect("a comparison");
    figures.add("random histories", cases);
    let comparisons = tally.comparisons.load(Relaxed);
    figures.must("tokens shown", comparisons, comparisons > cases as usize);
    let hits = tally.hits.load(Relaxed);
    figures.must("answered by the cache", hits, hits > 0);
    figures.add("accepted without cache", tally.accepted.load(Relaxed));
    figures.add("refused without cache", tally.refused.load(Relaxed));
    let difference = result.err();
    figures.must(
        "cache and cold path differed",
        difference.as_deref().unwrap_or("never"),
        difference.is_none(),
    );
    figures
}

/// Presents the same tokens to both verifiers at the same times.
fn compare(cases: u32, tally: &Tally) -> Result<(), String> {
    let runtime = Builder::new_current_thread().build().expect("a runtime");
    let config = Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    };
    // Every run has the same histories; the long form has many more of them.
    let seed = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let mut runner = TestRunner::new_with_rng(config, seed);
    let histories = vec(step(), 1..60);
    let result = runner.run(&histories, |history| {
        runtime.block_on(replay(&history, tally))
    });
    result.map_err(|error| error.to_string())
}

fn step() -> impl Strategy<Value = Step> {
    let near = -400_000..400_000_i64;
    let far = -4_000_000_000..4_000_000_000_i64;
    // On the edges of the leeway and of a token's lifetime, and one millisecond beside them.
    let edge = (-3..=3_i64, -1..=1_i64, 0..=1_i64)
        .prop_map(|(minutes, beside, life)| minutes * 60_000 + beside + life * 300_000);
    let past = -300_000..1_i64;
    let moment = prop_oneof![4 => near, 1 => far, 4 => edge, 8 => past].boxed();
    let maybe = |moment: &proptest::strategy::BoxedStrategy<i64>| {
        proptest::option::weighted(0.7, moment.clone())
    };
    let expires = prop_oneof![3 => 0..600_000_i64, 1 => moment.clone()];
    prop_oneof![
        4 => moment.clone().prop_map(Step::Jump),
        4 => (-100_000..100_000_i64).prop_map(Step::Jump),
        4 => (maybe(&moment), maybe(&moment), expires).prop_map(
            |(issued, not_before, expires)| Step::Mint { issued, not_before, expires }
        ),
        4 => Just(Step::Show),
        1 => (0..120_u64, proptest::option::of(0..600_u64))
            .prop_map(|(leeway, max_age)| Step::Reload { leeway, max_age }),
        1 => Just(Step::Rotate),
    ]
}

async fn replay(history: &[Step], tally: &Tally) -> Result<(), TestCaseError> {
    let clock = ManualClock::at(UNIX_EPOCH + Duration::from_secs(1_800_000_000));
    let mut now = 1_800_000_000_000_i64;
    let issuer = TestIssuer::new("https://id.example.com");
    let warm = JwtVerifier::new([issuer.trusted(AUDIENCE)])
        .expect("a verifier")
        .with_clock(clock.clone());
    // It shares keys and clock, and caches nothing.
    let cold = warm.clone().with_cache_capacity(0);
    let mut tokens: Vec<String> = Vec::new();
    let (mut leeway, mut max_age) = (60, None);
    for step in history {
        match step {
            Step::Jump(by) => {
                now += by;
                let span = Duration::from_millis(by.unsigned_abs());
                match by.is_negative() {
                    true => clock.rewind(span),
                    false => clock.advance(span),
                }
            }
            Step::Mint {
                issued,
                not_before,
                expires,
            } => {
                tokens.push(mint(&issuer, now, *issued, *not_before, *expires));
            }
            Step::Show => {}
            Step::Reload {
                leeway: l,
                max_age: age,
            } => {
                (leeway, max_age) = (*l, *age);
                warm.reload([trusted(&issuer, leeway, max_age)])
                    .expect("a reload");
            }
            Step::Rotate => {
                let old = issuer.key();
                issuer.rotate();
                issuer.withdraw(old.kid());
                warm.reload([trusted(&issuer, leeway, max_age)])
                    .expect("a reload");
            }
        }
        for token in &tokens {
            let remembered = warm.cached(token).is_some();
            let expected = cold.verify(token).await;
            let answer = warm.verify(token).await;
            tally.comparisons.fetch_add(1, Relaxed);
            tally.hits.fetch_add(usize::from(remembered), Relaxed);
            let counted = if expected.is_ok() {
                &tally.accepted
            } else {
                &tally.refused
            };
            counted.fetch_add(1, Relaxed);
            if remembered && expected.is_err() {
                return Err(TestCaseError::fail(
                    "the cache serves what the cold path refuses",
                ));
            }
            if answer.is_ok() != expected.is_ok() {
                return Err(TestCaseError::fail("the warm path decides otherwise"));
            }
        }
    }
    Ok(())
}

fn trusted(issuer: &TestIssuer, leeway: u64, max_age: Option<u64>) -> TrustedIssuer {
    let trusted = issuer.trusted(AUDIENCE);
    let trusted = trusted.with_leeway(Duration::from_secs(leeway));
    match max_age {
        Some(age) => trusted.with_max_age(Duration::from_secs(age)),
        None => trusted,
    }
}

fn mint(
    issuer: &TestIssuer,
    now: i64,
    issued: Option<i64>,
    not_before: Option<i64>,
    expires: i64,
) -> String {
    let date = |offset: i64| json!((now + offset).max(0) as f64 / 1000.0);
    let mut token = issuer
        .token("ana")
        .audience(AUDIENCE)
        .claim("exp", date(expires));
    token = match issued {
        Some(issued) => token.claim("iat", date(issued)),
        None => token.without_claim("iat"),
    };
    if let Some(not_before) = not_before {
        token = token.claim("nbf", date(not_before));
    }
    token.sign()
}

/// Checks the documented behaviour of a clock that is five minutes off.
async fn documented() -> Vec<(&'static str, bool)> {
    let mut rows = Vec::new();
    let passes = async |verifier: &JwtVerifier, token: &str| verifier.verify(token).await.is_ok();
    let fault = async |verifier: &JwtVerifier, token: &str| {
        let error = verifier.verify(token).await.err()?;
        let source = std::error::Error::source(&error)?;
        source.downcast_ref::<TokenFault>().copied()
    };

    let (issuer, clock, verifier) = at_noon();
    let five = issuer
        .token("ana")
        .audience(AUDIENCE)
        .expires_in(5 * MINUTE)
        .sign();
    let hour = issuer
        .token("ana")
        .audience(AUDIENCE)
        .expires_in(60 * MINUTE)
        .sign();
    clock.advance(5 * MINUTE);
    rows.push((
        "5 min ahead: a token of an hour passes",
        passes(&verifier, &hour).await,
    ));
    rows.push((
        "5 min ahead: one of 5 min passes by the leeway",
        passes(&verifier, &five).await,
    ));
    clock.advance(MINUTE);
    let expired = fault(&verifier, &five).await == Some(TokenFault::Expired);
    rows.push((
        "6 min ahead: one of 5 min has expired, cached or not",
        expired,
    ));

    let (issuer, clock, verifier) = at_noon();
    let token = issuer
        .token("ana")
        .audience(AUDIENCE)
        .expires_in(60 * MINUTE)
        .sign();
    clock.rewind(5 * MINUTE);
    let early = fault(&verifier, &token).await == Some(TokenFault::NotYetValid);
    rows.push(("5 min behind: a fresh token is not yet valid", early));
    clock.advance(4 * MINUTE);
    rows.push((
        "1 min behind: it passes by the leeway",
        passes(&verifier, &token).await,
    ));
    clock.rewind(2 * MINUTE);
    let app = App::new(verifier.clone());
    let answer = app.call(&token).await;
    rows.push((
        "jumps back: a remembered token is refused",
        answer.status == StatusCode::UNAUTHORIZED,
    ));
    clock.advance(2 * MINUTE);
    rows.push((
        "jumps forward: the same one passes again",
        app.call(&token).await.is_for("ana"),
    ));

    rows.push(("before 1970 and after 9999: no panic", extremes().await));
    rows.push((
        "ahead by more than keys may be stale: fetched anew",
        stale_keys().await,
    ));
    rows
}

fn at_noon() -> (TestIssuer, ManualClock, JwtVerifier) {
    let issuer = TestIssuer::new("https://id.example.com");
    // The issuer's clock is right.
    let clock = ManualClock::default();
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).expect("a verifier");
    (issuer, clock.clone(), verifier.with_clock(clock))
}

async fn extremes() -> bool {
    let (issuer, clock, verifier) = at_noon();
    let token = issuer.token("ana").audience(AUDIENCE).sign();
    let app = App::new(verifier);
    let mut refused = app.call(&token).await.is_for("ana");
    let since_epoch = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    for _ in 0..2 {
        clock.rewind(2 * since_epoch);
        refused &= app.call(&token).await.status == StatusCode::UNAUTHORIZED;
        clock.advance(2 * since_epoch);
        clock.advance(Duration::from_secs(300_000_000_000));
        refused &= app.call(&token).await.status == StatusCode::UNAUTHORIZED;
        clock.rewind(Duration::from_secs(300_000_000_000));
    }
    refused && app.call(&token).await.is_for("ana")
}

/// Keys are kept for a day while the issuer is down. A clock that jumps further makes them stale at
/// once; the keys are fetched again, and no request is accepted until the issuer responds.
async fn stale_keys() -> bool {
    let issuer = TestIssuer::serve();
    let clock = ManualClock::default();
    let refresh = KeyRefresh::new().with_wait(Duration::from_secs(2));
    let trusted = TrustedIssuer::discover(issuer.name(), AUDIENCE).with_key_refresh(refresh);
    let verifier = JwtVerifier::new([trusted]).expect("a verifier");
    let app = App::new(verifier.with_clock(clock.clone()));
    let year = Duration::from_secs(365 * 24 * 60 * 60);
    let token = issuer
        .token("ana")
        .audience(AUDIENCE)
        .expires_in(2 * year)
        .sign();
    let mut holds = app.call(&token).await.is_for("ana");
    clock.advance(year);
    holds &= app.call(&token).await.is_for("ana");
    issuer.stop();
    clock.advance(Duration::from_secs(2 * 24 * 60 * 60));
    holds &= app.call(&token).await.status == StatusCode::SERVICE_UNAVAILABLE;
    clock.rewind(Duration::from_secs(2 * 24 * 60 * 60));
    holds & app.call(&token).await.is_for("ana")
}
