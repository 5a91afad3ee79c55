//! The issuer returns faulty responses: no request waits longer than the limit, and valid tokens
//! are not affected.

use std::{
    sync::Arc,
    time::{Duration, Instant},
};

use http::StatusCode;
use tokio::{sync::Barrier, task::JoinSet, time::sleep};
use tower_jit_provisioning::{
    ErrorKind, JwtVerifier, KeySource, TrustedIssuer,
    fetch::HttpFetcher,
    testing::{Endpoint, Fault, TestIssuer},
    verifier::KeyRefresh,
};

use crate::{
    app::{AUDIENCE, Answer, App},
    figures::Figures,
    memory::Watch,
};

/// The limit of a request that waits for keys.
const WAIT: Duration = Duration::from_millis(500);

const TIMEOUT: Duration = Duration::from_secs(1);

/// The delay that a busy machine adds to a wait.
const SLACK: Duration = Duration::from_millis(500);

/// More growth means that a document, or a part of it, was kept: the large ones have 50 MB. The
/// allowance covers nine faulty servers and their clients together, on top of their usage without
/// faults.
const MEMORY: u64 = 16 << 20;

/// Memory allowed for cached tokens in each play: the long form presents a hundred thousand of
/// them.
const TOKENS: u64 = 1 << 18;

/// Upper limit for fetching the keys of a healthy issuer on a busy machine.
const PATIENCE: Duration = Duration::from_secs(20);

const PEOPLE: usize = 20;

/// A fault, its endpoint and its label.
pub(crate) struct Play {
    name: &'static str,
    endpoint: Endpoint,
    faults: Vec<Option<Fault>>,
}

/// Results of one fault.
#[derive(Default)]
struct Tally {
    good: usize,
    good_refused: Vec<String>,
    good_slowest: Duration,
    unknown: usize,
    unknown_slowest: Duration,
    cold: usize,
    cold_slowest: Duration,
    wrong: Vec<String>,
    fetches: usize,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let duration = Duration::from_secs(if is_long { 60 } else { 3 });
    let plays = plays();
    let start = Arc::new(Barrier::new(plays.len() + 1));
    let mut runs = JoinSet::new();
    for play in plays {
        let start = Arc::clone(&start);
        runs.spawn(async move { (play.name, play.run(duration, &start).await) });
    }
    start.wait().await;
    let memory = Watch::start();
    let mut results = runs.join_all().await;
    let growth = memory.growth();
    results.sort_by_key(|(name, _)| *name);

    let mut figures = Figures::default();
    figures.add("stated bound of a wait, ms", WAIT.as_millis());
    for (name, tally) in &results {
        let slowest = tally.unknown_slowest.max(tally.cold_slowest);
        figures.must(
            &format!("{name}: good requests, refused"),
            format!("{}, {}", tally.good, tally.good_refused.len()),
            tally.good > 0 && tally.good_refused.is_empty(),
        );
        figures.must(
            &format!("{name}: slowest good one, ms"),
            tally.good_slowest.as_millis(),
            tally.good_slowest < WAIT,
        );
        figures.must(
            &format!("{name}: longest wait of {}, ms", tally.unknown + tally.cold),
            slowest.as_millis(),
            slowest <= WAIT + SLACK && tally.unknown > 0 && tally.cold > 0,
        );
        figures.must(
            &format!("{name}: fetches, wrong answers"),
            format!("{}, {}", tally.fetches, tally.wrong.len()),
            tally.fetches > 0 && tally.wrong.is_empty(),
        );
        for refusal in tally.good_refused.iter().chain(&tally.wrong).take(1) {
            figures.add(name, refusal);
        }
    }
    let megabytes = format!("{:.1}", growth as f64 / f64::from(1 << 20));
    figures.must("growth of resident memory, MiB", megabytes, growth < MEMORY);
    figures
}

/// One play of each kind.
pub(crate) fn plays() -> Vec<Play> {
    let at = |endpoint, name, fault| Play {
        name,
        endpoint,
        faults: vec![Some(fault)],
    };
    let jwks = |name, fault| at(Endpoint::Jwks, name, fault);
    vec![
        jwks("slow (10 s)", Fault::Delay(Duration::from_secs(10))),
        jwks("500", Fault::Status(500)),
        jwks("HTML", Fault::Html),
        jwks("50 MB body", Fault::Oversized(50 << 20)),
        jwks("endless body", Fault::EndlessChunks),
        jwks("gzip bomb", Fault::GzipBomb),
        jwks("redirect loop", Fault::RedirectLoop),
        at(Endpoint::Discovery, "wrong `issuer`", Fault::IssuerMismatch),
        Play {
            name: "flapping",
            endpoint: Endpoint::Jwks,
            faults: vec![Some(Fault::Reset), None, Some(Fault::Status(503)), None],
        },
    ]
}

impl Play {
    /// Waits at the barrier until all issuers work and everything that is created once exists.
    async fn run(&self, duration: Duration, start: &Barrier) -> Tally {
        let issuer = TestIssuer::serve();
        // All verifiers without keys share one client, because creating one takes longer than the
        // measured requests.
        let keys = KeySource::discovery(HttpFetcher::new());
        let known = verifier(&issuer, &keys);
        let started = Instant::now();
        // The other plays start at the same time; this play measures only the phase that follows.
        while let Err(error) = known.ready().await {
            assert!(started.elapsed() < PATIENCE, "keys: {error}");
        }
        let app = App::new(known);
        let warm: Vec<_> = (0..PEOPLE).map(|person| mint(&issuer, person)).collect();
        for (person, token) in warm.iter().enumerate() {
            assert!(app.call(token).await.is_for(&subject(person)));
        }
        app.call(&unknown(&issuer)).await;
        App::new(verifier(&issuer, &keys)).call(&warm[0]).await;
        start.wait().await;
        let fetched = fetches(&issuer, self.endpoint);
        let mut tally = Tally::default();
        let started = Instant::now();
        let mut round = 0;
        self.play(&issuer, round);
        let mut waiting = JoinSet::new();
        while started.elapsed() < duration {
            // Unknown callers wait at the same time: for a key that does not exist, and at a
            // verifier that has no keys yet.
            if waiting.is_empty() {
                round += 1;
                self.play(&issuer, round);
                let (app, token) = (app.clone(), unknown(&issuer));
                waiting.spawn(async move { (false, app.call(&token).await) });
                let (cold, token) = (App::new(verifier(&issuer, &keys)), mint(&issuer, 0));
                waiting.spawn(async move { (true, cold.call(&token).await) });
            }
            for (person, warm) in warm.iter().enumerate() {
                let fresh = mint(&issuer, person);
                for token in [warm, &fresh] {
                    let answer = app.call(token).await;
                    tally.note_good(&answer, &subject(person));
                }
            }
            while let Some(answered) = waiting.try_join_next() {
                let (is_cold, answer) = answered.expect("a caller");
                self.note_stranger(&mut tally, is_cold, &answer);
            }
            sleep(Duration::from_millis(10)).await;
        }
        for (is_cold, answer) in waiting.join_all().await {
            self.note_stranger(&mut tally, is_cold, &answer);
        }
        tally.fetches = fetches(&issuer, self.endpoint) - fetched;
        tally
    }

    /// Activates the fault of a round.
    pub(crate) fn play(&self, issuer: &TestIssuer, round: usize) {
        match &self.faults[round % self.faults.len()] {
            Some(fault) => issuer.set_fault(self.endpoint, fault.clone()),
            None => issuer.clear_faults(),
        }
    }

    /// Returns whether the fault is intermittent.
    pub(crate) fn flaps(&self) -> bool {
        self.faults.contains(&None)
    }

    /// Without keys every request gets 503; a key that is not in the set is rejected.
    fn note_stranger(&self, tally: &mut Tally, is_cold: bool, answer: &Answer) {
        let is_right = match (is_cold, answer.status) {
            (true, StatusCode::OK) => self.flaps() && answer.is_for(&subject(0)),
            (true, StatusCode::SERVICE_UNAVAILABLE) => true,
            (false, StatusCode::UNAUTHORIZED) => answer.kind == Some(ErrorKind::InvalidToken),
            _ => false,
        };
        if !is_right {
            tally.wrong.push(format!("{answer:?}"));
        }
        let (count, slowest) = match is_cold {
            true => (&mut tally.cold, &mut tally.cold_slowest),
            false => (&mut tally.unknown, &mut tally.unknown_slowest),
        };
        *count += 1;
        *slowest = answer.took.max(*slowest);
    }
}

impl Tally {
    fn note_good(&mut self, answer: &Answer, subject: &str) {
        self.good += 1;
        self.good_slowest = self.good_slowest.max(answer.took);
        if !answer.is_for(subject) {
            self.good_refused.push(format!("{answer:?}"));
        }
    }
}

/// No cool-down, so that the faulty endpoints are requested as often as possible.
fn verifier(issuer: &TestIssuer, keys: &KeySource) -> JwtVerifier {
    let refresh = KeyRefresh::new()
        .with_cool_down(Duration::ZERO)
        .with_rediscovery(Duration::ZERO)
        .with_timeout(TIMEOUT)
        .with_wait(WAIT);
    let trusted = TrustedIssuer::new(issuer.name(), AUDIENCE, keys.clone());
    let verifier = JwtVerifier::new([trusted.with_key_refresh(refresh)]);
    verifier.expect("a verifier").with_cache_capacity(TOKENS)
}

fn fetches(issuer: &TestIssuer, endpoint: Endpoint) -> usize {
    issuer.requests(endpoint)
}

fn subject(person: usize) -> String {
    format!("person-{person}")
}

fn mint(issuer: &TestIssuer, person: usize) -> String {
    issuer.token(&subject(person)).audience(AUDIENCE).sign()
}

fn unknown(issuer: &TestIssuer) -> String {
    let token = issuer.token("eve").audience(AUDIENCE);
    token.header("kid", "no-such-key").sign()
}
