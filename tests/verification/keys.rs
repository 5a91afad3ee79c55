//! Remote keys: fetched once, refreshed in the background, never in the way of a good token.
//!
//! Time is paused and moves when every task waits, so a test of an hour takes milliseconds.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use serde_json::json;
use tokio::time::{Instant, sleep, timeout};
use tower_jit_provisioning::{
    Algorithm, ErrorKind, JwtVerifier, KeySource, TrustedIssuer,
    fetch::{Document, DocumentFetcher, DocumentRequest, FetchError},
    testing::{ManualClock, SigningKey, TestIssuer, TokenBuilder},
    verifier::KeyRefresh,
};

const ISSUER: &str = "https://id.example.com/realms/acme";
const OIDC: &str = "https://id.example.com/realms/acme/.well-known/openid-configuration";
const RFC_8414: &str = "https://id.example.com/.well-known/oauth-authorization-server/realms/acme";
const JWKS: &str = "https://id.example.com/jwks";

#[derive(Clone)]
enum Answer {
    Body(String),
    Hang,
    Panic,
    Late(Duration, String),
    Status(u16),
    Tagged(String, &'static str),
    Aged(String, u64),
}

/// An issuer without a network: what it answers is set, what it is asked is counted.
#[derive(Clone)]
struct Network(Arc<State>);

struct State {
    answers: Mutex<HashMap<String, Answer>>,
    fetches: Mutex<HashMap<String, usize>>,
    not_modified: AtomicUsize,
}

impl Network {
    fn new() -> Self {
        let network = Self(Arc::new(State {
            answers: Mutex::default(),
            fetches: Mutex::default(),
            not_modified: AtomicUsize::new(0),
        }));
        network.answer(OIDC, Answer::Body(metadata(ISSUER, JWKS)));
        network
    }

    fn answer(&self, url: &str, answer: Answer) {
        self.0
            .answers
            .lock()
            .unwrap()
            .insert(url.to_owned(), answer);
    }

    fn publish(&self, keys: &[&SigningKey]) {
        self.answer(JWKS, Answer::Body(jwks(keys)));
    }

    fn fetches(&self, url: &str) -> usize {
        self.0
            .fetches
            .lock()
            .unwrap()
            .get(url)
            .copied()
            .unwrap_or(0)
    }

    fn all_fetches(&self) -> usize {
        self.0.fetches.lock().unwrap().values().sum()
    }

    fn trusted(&self) -> TrustedIssuer {
        TrustedIssuer::new(ISSUER, "orders", KeySource::discovery(self.clone()))
    }

    fn verifier(&self) -> (JwtVerifier, ManualClock) {
        verifier(self.trusted())
    }
}

fn verifier(trusted: TrustedIssuer) -> (JwtVerifier, ManualClock) {
    let clock = ManualClock::default();
    let verifier = JwtVerifier::new([trusted])
        .unwrap()
        .with_clock(clock.clone());
    (verifier, clock)
}

#[async_trait]
impl DocumentFetcher for Network {
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError> {
        *self
            .0
            .fetches
            .lock()
            .unwrap()
            .entry(request.url.clone())
            .or_default() += 1;
        let answer = self.0.answers.lock().unwrap().get(&request.url).cloned();
        match answer.unwrap_or(Answer::Status(404)) {
            Answer::Body(body) => Ok(Document::new(body)),
            Answer::Hang => std::future::pending().await,
            Answer::Panic => panic!("the fetcher has a fault"),
            Answer::Late(delay, body) => {
                sleep(delay).await;
                Ok(Document::new(body))
            }
            Answer::Status(status) => Err(FetchError::status(status)),
            Answer::Tagged(_, etag) if request.etag.as_deref() == Some(etag) => {
                self.0.not_modified.fetch_add(1, SeqCst);
                Ok(Document::not_modified())
            }
            Answer::Tagged(body, etag) => Ok(Document::new(body).with_etag(etag)),
            Answer::Aged(body, seconds) => {
                Ok(Document::new(body).with_max_age(Duration::from_secs(seconds)))
            }
        }
    }
}

fn metadata(issuer: &str, jwks_uri: &str) -> String {
    json!({"issuer": issuer, "jwks_uri": jwks_uri}).to_string()
}

fn jwks(keys: &[&SigningKey]) -> String {
    let keys: Vec<_> = keys.iter().map(|key| key.jwk()).collect();
    json!({"keys": keys}).to_string()
}

fn key(kid: &str) -> Arc<SigningKey> {
    Arc::new(SigningKey::generate(kid, Algorithm::Es256))
}

fn token(key: &Arc<SigningKey>, subject: &str) -> TokenBuilder {
    TestIssuer::new(ISSUER)
        .token(subject)
        .audience("orders")
        .expires_in(Duration::from_secs(3 * 24 * 60 * 60))
        .header("kid", key.kid())
        .signed_by(key)
}

async fn verdict(verifier: &JwtVerifier, token: &str) -> Result<(), &'static str> {
    let result = verifier.verify(token).await;
    result.map(|_| ()).map_err(|error| error.reason())
}

/// Lets time pass for timers and for tokens alike.
async fn pass(clock: &ManualClock, duration: Duration) {
    sleep(duration).await;
    clock.advance(duration);
}

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const HOUR: Duration = Duration::from_secs(3600);

#[tokio::test(start_paused = true)]
async fn the_first_token_fetches_metadata_and_keys_and_nothing_before_it_does() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    sleep(HOUR).await;
    assert_eq!(network.all_fetches(), 0);
    assert_eq!(verifier.status()[0].keys, 0);
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (1, 1));
    let status = &verifier.status()[0];
    assert_eq!((status.issuer.as_str(), status.keys), (ISSUER, 1));
    assert!(status.age().is_some() && status.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_tokens_share_one_fetch_and_a_hang_up_cancels_nothing() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&key])));
    let (verifier, _) = network.verifier();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let (verifier, token) = (
                verifier.clone(),
                token(&key, &format!("user-{number}")).sign(),
            );
            tokio::spawn(async move { verdict(&verifier, &token).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tasks[0].abort();
    for task in tasks.into_iter().skip(1) {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_made_up_kids_costs_one_fetch_a_cool_down_and_delays_no_good_token() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&key])));
    for number in 0..200 {
        let forged = token(&key, "eve")
            .header("kid", format!("made-up-{number}"))
            .sign();
        let flood = verifier.clone();
        tokio::spawn(async move { verdict(&flood, &forged).await });
        let another = token(&key, &format!("user-{number}")).sign();
        let before = Instant::now();
        assert_eq!(verdict(&verifier, &another).await, Ok(()));
        assert_eq!(
            before.elapsed(),
            Duration::ZERO,
            "a good token waits for nobody"
        );
        sleep(SECOND / 2).await;
    }
    // 100 seconds of flood: at 0, 30, 60 and 90.
    assert_eq!(network.fetches(JWKS), 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_bad_signatures_costs_one_fetch_a_cool_down() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    let forger = Arc::new(SigningKey::generate("a", Algorithm::Es256));
    for _ in 0..100 {
        assert_eq!(
            verdict(&verifier, &token(&forger, "eve").sign()).await,
            Err("signature")
        );
    }
    assert_eq!(network.fetches(JWKS), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_issuer_is_never_asked() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    for issuer in [
        "https://evil.example",
        "https://id.example.com/realms/acme/",
        "",
    ] {
        let forged = token(&key, "eve").claim("iss", issuer).sign();
        assert_eq!(verdict(&verifier, &forged).await, Err("issuer"));
    }
    assert_eq!(network.all_fetches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_with_its_first_token() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
    network.publish(&[&old, &new]);
    assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
    assert_eq!(verdict(&verifier, &token(&old, "bob").sign()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_under_the_old_kid_is_found_with_its_first_token() {
    let (network, old, new) = (Network::new(), key("same"), key("same"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    let before = token(&old, "ana").sign();
    assert_eq!(verdict(&verifier, &before).await, Ok(()));
    network.publish(&[&new]);
    assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
    assert!(
        verifier.cached(&before).is_none(),
        "the old key is gone, and its tokens with it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_although_the_fetch_under_way_is_too_old_to_know_it() {
    for kid in ["new", "old"] {
        let (network, old, new) = (Network::new(), key("old"), key(kid));
        network.publish(&[&old]);
        let (verifier, _) = network.verifier();
        assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
        network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&old])));
        sleep(5 * MINUTE + SECOND).await;
        assert_eq!(network.fetches(JWKS), 2, "the refresh is under way");
        network.publish(&[&new]);
        assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
        assert_eq!(network.fetches(JWKS), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_takes_its_cached_tokens_with_it_within_the_interval() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old, &new]);
    let (verifier, clock) = network.verifier();
    let (by_old, by_new) = (token(&old, "ana").sign(), token(&new, "ana").sign());
    assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
    assert_eq!(verdict(&verifier, &by_new).await, Ok(()));
    network.publish(&[&new]);
    assert!(verifier.cached(&by_old).is_some());
    pass(&clock, 5 * MINUTE + SECOND).await;
    assert!(verifier.cached(&by_old).is_none());
    assert_eq!(verdict(&verifier, &by_old).await, Err("key"));
    assert!(
        verifier.cached(&by_new).is_some(),
        "a key that stays keeps its tokens"
    );
}

#[tokio::test(start_paused = true)]
async fn known_keys_serve_through_an_outage_up_to_the_stated_maximum() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, clock) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    for url in [OIDC, JWKS] {
        network.answer(url, Answer::Status(503));
    }
    for hour in 0..23 {
        pass(&clock, HOUR).await;
        let fresh = token(&key, &format!("user-{hour}")).sign();
        assert_eq!(
            verdict(&verifier, &fresh).await,
            Ok(()),
            "after {hour} hours"
        );
    }
    assert!(verifier.status()[0].last_error.is_some());
    pass(&clock, 2 * HOUR).await;
    let cached = token(&key, "user-1").sign();
    assert!(verifier.cached(&cached).is_none());
    let error = verifier
        .verify(&token(&key, "ana").sign())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        (ErrorKind::Unavailable, "keys")
    );
    network.answer(OIDC, Answer::Body(metadata(ISSUER, JWKS)));
    network.publish(&[&key]);
    pass(&clock, 10 * MINUTE).await;
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn without_keys_a_flood_of_requests_is_paced_and_recovers_by_itself() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Status(500));
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    for _ in 0..1000 {
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        sleep(SECOND / 100).await;
    }
    // 10 seconds, pauses of 1, 2, 4 and 8 seconds and up to a quarter more.
    assert!(
        (3..=4).contains(&network.fetches(JWKS)),
        "{}",
        network.fetches(JWKS)
    );
    network.publish(&[&key]);
    sleep(20 * SECOND).await;
    let before = Instant::now();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    assert_eq!(
        before.elapsed(),
        Duration::ZERO,
        "the background refresh has them"
    );
}

#[tokio::test(start_paused = true)]
async fn a_faulty_answer_never_replaces_a_good_set() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, clock) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    let good = jwks(&[&key]);
    let many: Vec<_> = (0..65)
        .map(|number| SigningKey::generate(format!("{number}"), Algorithm::EdDsa).jwk())
        .collect();
    for body in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}"#.to_owned(),
        "<!doctype html><title>502</title>".to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!(
            r#"{{"keys":{}1{}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        ),
        json!({"keys": many}).to_string(),
        format!("{}{good}", " ".repeat(256 * 1024)),
    ] {
        let fetches = network.fetches(JWKS);
        network.answer(JWKS, Answer::Body(body.clone()));
        pass(&clock, 10 * MINUTE).await;
        assert!(network.fetches(JWKS) > fetches, "it was asked");
        let fresh = token(&key, "bob").sign();
        assert_eq!(verdict(&verifier, &fresh).await, Ok(()), "{:.60}", body);
        assert!(verifier.status()[0].last_error.is_some(), "{:.60}", body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_no_longer_than_stated() {
    for answer in [Answer::Hang, Answer::Late(10 * SECOND, String::new())] {
        let (network, key) = (Network::new(), key("a"));
        network.answer(OIDC, answer);
        let (verifier, _) = network.verifier();
        let good = token(&key, "ana").sign();
        let before = Instant::now();
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        assert_eq!(before.elapsed(), 3 * SECOND);
        sleep(3 * SECOND).await;
        let status = &verifier.status()[0];
        assert!(
            status.last_error.is_some(),
            "the fetch itself ends after 5 seconds"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn entity_tags_and_max_age_are_honoured() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Tagged(jwks(&[&key]), "\"v1\""));
    let (verifier, clock) = network.verifier();
    for hour in 0..30 {
        let fresh = token(&key, &format!("user-{hour}")).sign();
        assert_eq!(
            verdict(&verifier, &fresh).await,
            Ok(()),
            "a 304 keeps keys fresh"
        );
        pass(&clock, HOUR).await;
    }
    let refreshed = network.fetches(JWKS) - 1;
    assert_eq!(network.0.not_modified.load(SeqCst), refreshed);

    let short = Network::new();
    short.answer(JWKS, Answer::Aged(jwks(&[&key]), 60));
    let (verifier, _) = short.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(10 * MINUTE + SECOND).await;
    assert_eq!(short.fetches(JWKS), 1 + 10);
    let greedy = Network::new();
    greedy.answer(JWKS, Answer::Aged(jwks(&[&key]), 0));
    let (verifier, _) = greedy.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(5 * MINUTE + SECOND).await;
    assert_eq!(
        greedy.fetches(JWKS),
        1 + 10,
        "no more often than the cool-down"
    );
}

#[tokio::test(start_paused = true)]
async fn metadata_must_name_the_configured_issuer_and_a_safe_key_url() {
    for document in [
        metadata("https://id.example.com/realms/other", JWKS),
        metadata("https://id.example.com/realms/acme/", JWKS),
        metadata(ISSUER, "file:///etc/passwd"),
        metadata(ISSUER, "http://id.example.com/jwks"),
        json!({"issuer": ISSUER}).to_string(),
        "<html>".to_owned(),
    ] {
        let (network, key) = (Network::new(), key("a"));
        network.publish(&[&key]);
        network.answer(OIDC, Answer::Body(document));
        let (verifier, _) = network.verifier();
        assert_eq!(
            verdict(&verifier, &token(&key, "ana").sign()).await,
            Err("keys")
        );
        assert_eq!(network.fetches(JWKS), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn rfc_8414_metadata_serves_where_there_is_no_openid_configuration() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    network.answer(OIDC, Answer::Status(404));
    network.answer(RFC_8414, Answer::Body(metadata(ISSUER, JWKS)));
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    assert_eq!((network.fetches(OIDC), network.fetches(RFC_8414)), (1, 1));
    let broken = Network::new();
    broken.answer(OIDC, Answer::Status(500));
    broken.answer(RFC_8414, Answer::Body(metadata(ISSUER, JWKS)));
    let (verifier, _) = broken.verifier();
    assert_eq!(
        verdict(&verifier, &token(&key, "ana").sign()).await,
        Err("keys")
    );
    assert_eq!(broken.fetches(RFC_8414), 0, "an outage is not an answer");
}

#[tokio::test(start_paused = true)]
async fn readiness_waits_for_keys_and_says_when_there_are_none() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    verifier.ready().await.unwrap();
    assert_eq!(network.fetches(JWKS), 1);
    verifier.ready().await.unwrap();
    assert_eq!(network.fetches(JWKS), 1);
    let down = Network::new();
    down.answer(OIDC, Answer::Status(500));
    let (verifier, _) = down.verifier();
    assert_eq!(
        verifier.ready().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test(start_paused = true)]
async fn everything_stops_when_the_last_handle_drops() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    let clone = verifier.clone();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    drop(verifier);
    sleep(HOUR).await;
    let refreshed = network.fetches(JWKS);
    assert!(refreshed > 10, "a clone keeps it running");
    drop(clone);
    sleep(HOUR).await;
    assert_eq!(network.fetches(JWKS), refreshed);
    assert_eq!(
        Arc::strong_count(&network.0),
        1,
        "no task holds on to the fetcher"
    );
}

#[tokio::test(start_paused = true)]
async fn a_fetcher_that_panics_is_paced_and_ends_no_refresh() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.answer(JWKS, Answer::Panic);
    let (verifier, clock) = network.verifier();
    let by_old = token(&old, "ana").sign();
    for _ in 0..1000 {
        assert_eq!(verdict(&verifier, &by_old).await, Err("keys"));
        sleep(SECOND / 100).await;
    }
    assert!((3..=4).contains(&network.fetches(JWKS)));
    network.publish(&[&old, &new]);
    pass(&clock, MINUTE).await;
    assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
    network.answer(JWKS, Answer::Panic);
    pass(&clock, 6 * MINUTE).await;
    assert!(verifier.status()[0].last_error.is_some());
    network.publish(&[&new]);
    pass(&clock, 6 * MINUTE).await;
    assert!(verifier.cached(&by_old).is_none());
}

#[tokio::test(start_paused = true)]
async fn limits_without_end_and_without_length_are_no_panic_and_no_loop() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let limits = |limit| {
        KeyRefresh::new()
            .with_interval(limit)
            .with_cool_down(limit)
            .with_max_stale(limit)
            .with_timeout(MINUTE)
    };
    let never = network.trusted().with_key_refresh(limits(Duration::MAX));
    let (verifier, _) = verifier(never);
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    for number in 0..3 {
        let forged = token(&key, "eve").header("kid", format!("made-up-{number}"));
        assert_eq!(verdict(&verifier, &forged.sign()).await, Err("key"));
    }
    assert!(verifier.status()[0].last_success.is_some());
    assert_eq!(network.fetches(JWKS), 2);
    drop(verifier);

    let always = network.trusted().with_key_refresh(limits(Duration::ZERO));
    let verifier = JwtVerifier::new([always]).unwrap();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(10 * SECOND).await;
    assert!((10..=14).contains(&network.fetches(JWKS)));
}

#[test]
fn the_refresh_goes_on_where_the_runtime_it_began_on_has_ended() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old, &new]);
    let (verifier, clock) = network.verifier();
    runtime().block_on(verifier.ready()).unwrap();
    runtime().block_on(async {
        let by_old = token(&old, "ana").sign();
        assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
        network.publish(&[&new]);
        pass(&clock, 6 * MINUTE).await;
        assert!(verifier.cached(&by_old).is_none());
    });
}

#[tokio::test(start_paused = true)]
async fn a_reload_swaps_issuers_audiences_and_policy_together() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = |audience: &str| TrustedIssuer::new(ISSUER, audience, keys.clone());
    let verifier = JwtVerifier::new([trusted("orders")]).unwrap();
    let orders = token(&key, "ana").sign();
    let billing = token(&key, "ana").audience("billing").sign();
    assert_eq!(verdict(&verifier, &orders).await, Ok(()));
    assert_eq!(verdict(&verifier, &billing).await, Err("audience"));

    verifier.reload([trusted("billing")]).unwrap();
    assert!(
        verifier.cached(&orders).is_none(),
        "verified again, by the new rules"
    );
    assert_eq!(verdict(&verifier, &orders).await, Err("audience"));
    assert_eq!(verdict(&verifier, &billing).await, Ok(()));
    assert_eq!(network.fetches(JWKS), 1, "keys already fetched are kept");

    let no_audience: [&str; 0] = [];
    let faulty = TrustedIssuer::new(ISSUER, no_audience, keys.clone());
    assert!(verifier.reload([faulty]).is_err());
    assert!(
        verifier.cached(&billing).is_some(),
        "a faulty configuration changes nothing"
    );

    let other = TestIssuer::new("https://other.example.com");
    verifier.reload([other.trusted("orders")]).unwrap();
    assert!(verifier.cached(&billing).is_none());
    assert_eq!(verdict(&verifier, &billing).await, Err("issuer"));
}

#[tokio::test]
async fn an_issuer_that_leaves_takes_its_cached_tokens_with_it_whatever_its_keys() {
    let (named, secret) = (key("a"), [7; 32]);
    let mut unnamed = named.jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    let unnamed = json!({"keys": [unnamed]}).to_string();
    let shared = Arc::new(SigningKey::hmac("b", Algorithm::Hs256, &secret));
    for (name, keys, key) in [
        ("named", KeySource::jwks(jwks(&[&named])), &named),
        ("without kid", KeySource::jwks(unnamed), &named),
        (
            "pinned",
            KeySource::pem(named.public_pem().unwrap()),
            &named,
        ),
        ("secret", KeySource::hmac_secret(secret), &shared),
    ] {
        let trusted = TrustedIssuer::new(ISSUER, "orders", keys);
        let trusted = trusted.with_algorithms([key.algorithm()]);
        let verifier = JwtVerifier::new([trusted]).unwrap();
        let ana = token(key, "ana").header("alg", key.algorithm().as_str());
        let ana = ana.without_header("kid").sign();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()), "{name}");
        assert!(verifier.cached(&ana).is_some(), "{name}");
        let other = TestIssuer::new("https://other.example.com");
        verifier.reload([other.trusted("orders")]).unwrap();
        assert!(verifier.cached(&ana).is_none(), "{name}");
        assert_eq!(verdict(&verifier, &ana).await, Err("issuer"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_arrive_after_their_issuer_left_make_no_token_good() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&key])));
    let (verifier, _) = network.verifier();
    let late = token(&key, "ana").sign();
    let waiting = {
        let (verifier, late) = (verifier.clone(), late.clone());
        tokio::spawn(async move { verdict(&verifier, &late).await })
    };
    sleep(SECOND / 2).await;
    let other = TestIssuer::new("https://other.example.com");
    verifier.reload([other.trusted("orders")]).unwrap();
    assert_eq!(waiting.await.unwrap(), Err("issuer"));
    assert!(verifier.cached(&late).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reload_is_no_way_around_the_pause_of_an_issuer_that_is_down() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Status(500));
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    for _ in 0..50 {
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        verifier.reload([network.trusted()]).unwrap();
    }
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reload_gives_the_keys_of_an_issuer_that_is_down_no_more_time() {
    // Fetched at 0 and good for a day; kept at the reload, for a day or less from then on.
    for (reload_at, max_stale, end) in [(23 * HOUR, 24 * HOUR, 24 * HOUR), (HOUR, HOUR, 2 * HOUR)] {
        let (network, key) = (Network::new(), key("a"));
        network.publish(&[&key]);
        let (verifier, clock) = network.verifier();
        let ana = token(&key, "ana").sign();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()));
        for url in [OIDC, JWKS] {
            network.answer(url, Answer::Status(503));
        }
        pass(&clock, reload_at).await;
        let refresh = KeyRefresh::new().with_max_stale(max_stale);
        let trusted = network.trusted().with_key_refresh(refresh);
        verifier.reload([trusted]).unwrap();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()));
        pass(&clock, end - reload_at - SECOND).await;
        assert!(verifier.cached(&ana).is_some(), "{end:?}");
        pass(&clock, SECOND).await;
        assert!(verifier.cached(&ana).is_none(), "{end:?}");
        assert_eq!(verdict(&verifier, &ana).await, Err("keys"), "{end:?}");
    }
}

#[tokio::test]
async fn a_reload_reaches_verifiers_with_another_cache() {
    let id = TestIssuer::new(ISSUER);
    let verifier = JwtVerifier::new([id.trusted("orders")]).unwrap();
    let uncached = verifier.clone().with_cache_capacity(0);
    let orders = id.token("ana").audience("orders").sign();
    let billing = id.token("ana").audience("billing").sign();
    uncached.reload([id.trusted("billing")]).unwrap();
    for verifier in [verifier, uncached] {
        assert_eq!(verdict(&verifier, &orders).await, Err("audience"));
        assert_eq!(verdict(&verifier, &billing).await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_request_under_way_is_harmed_by_a_reload() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = || TrustedIssuer::new(ISSUER, "orders", keys.clone());
    let verifier = JwtVerifier::new([trusted()])
        .unwrap()
        .with_cache_capacity(0);
    let reloading = verifier.clone();
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    let checks = tokio::spawn(async move {
        for _ in 0..2_000 {
            assert_eq!(verdict(&verifier, &good).await, Ok(()));
        }
    });
    while !checks.is_finished() {
        reloading.reload([trusted()]).unwrap();
        tokio::task::yield_now().await;
    }
    timeout(MINUTE, checks).await.unwrap().unwrap();
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn reloads_at_once_lose_no_keys_while_the_issuer_is_down() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = move || TrustedIssuer::new(ISSUER, "orders", keys.clone());
    let verifier = JwtVerifier::new([trusted()])
        .unwrap()
        .with_cache_capacity(0);
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    network.answer(OIDC, Answer::Status(503));
    network.answer(JWKS, Answer::Status(503));
    let reloads: Vec<_> = (0..3)
        .map(|_| {
            let (verifier, trusted) = (verifier.clone(), trusted.clone());
            std::thread::spawn(move || {
                for _ in 0..5_000 {
                    verifier.reload([trusted()]).unwrap();
                }
            })
        })
        .collect();
    while !reloads.iter().all(std::thread::JoinHandle::is_finished) {
        assert_eq!(verdict(&verifier, &good).await, Ok(()));
    }
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reload_repeats_the_fetch_that_it_interrupts() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&old, &new])));
    let first = {
        let (verifier, token) = (verifier.clone(), token(&new, "ana").sign());
        tokio::spawn(async move { verdict(&verifier, &token).await })
    };
    sleep(SECOND / 2).await;
    verifier.reload([network.trusted()]).unwrap();
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(network.fetches(JWKS), 3);
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_no_longer_than_stated_for_two_fetches_together() {
    let (network, real) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&real])));
    let (verifier, _) = network.verifier();
    // Its key is found with the first fetch, and another is looked for when it does not fit.
    let forged = token(&key("a"), "eve").sign();
    let started = Instant::now();
    assert!(verdict(&verifier, &forged).await.is_err());
    assert_eq!(network.fetches(JWKS), 2);
    assert!(started.elapsed() <= 3 * SECOND, "{:?}", started.elapsed());
}

#[tokio::test(start_paused = true)]
async fn a_key_set_can_be_named_by_its_url() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let refresh = KeyRefresh::new().with_interval(MINUTE);
    let trusted = TrustedIssuer::new(
        "accounts.example.com",
        "orders",
        KeySource::jwks_url(JWKS, network.clone()),
    )
    .with_key_refresh(refresh);
    let (verifier, _) = verifier(trusted);
    let token = token(&key, "ana")
        .claim("iss", "accounts.example.com")
        .sign();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    sleep(MINUTE + SECOND).await;
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (0, 2));
}

#[test]
fn keys_are_fetched_from_safe_urls_only() {
    let codes = |issuer: &str, keys: KeySource| {
        let built = JwtVerifier::new([TrustedIssuer::new(issuer, "orders", keys)]);
        let error = built.unwrap_err();
        error
            .faults()
            .iter()
            .map(|fault| fault.code())
            .collect::<Vec<_>>()
    };
    let network = Network::new();
    let url = |url: &str| KeySource::jwks_url(url, network.clone());
    assert_eq!(
        codes(ISSUER, url("http://id.example.com/jwks")),
        ["insecure_key_url"]
    );
    assert_eq!(
        codes(ISSUER, url("file:///etc/passwd")),
        ["insecure_key_url"]
    );
    let discovery = KeySource::discovery(network.clone());
    assert_eq!(
        codes("accounts.example.com", discovery.clone()),
        ["insecure_key_url"]
    );
    assert_eq!(
        codes("http://id.example.com", discovery),
        ["insecure_issuer", "insecure_key_url"]
    );
}
