//! Keys change under load: the new one is published, then used, then the old one is withdrawn.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use tokio::{
    task::JoinSet,
    time::{sleep, timeout},
};
use tower_jit_provisioning::{
    JwtVerifier, TrustedIssuer,
    testing::{Endpoint, SigningKey, TestIssuer},
    verifier::KeyRefresh,
};

use crate::{
    app::{AUDIENCE, App},
    figures::Figures,
};

const TASKS: usize = 3;

/// The shortest possible interval: a withdrawn key may be accepted for as long.
const INTERVAL: Duration = Duration::from_secs(1);

/// Shorter than the time between rotations, so that each one has its own fetch.
const COOL_DOWN: Duration = Duration::from_millis(250);

/// Duration of a fetch on loopback, on a busy machine.
const FETCH: Duration = Duration::from_secs(1);

/// A key under load, with tokens that it signed.
struct Generation {
    kid: String,
    tokens: Vec<(String, String)>,
}

struct Load {
    app: App,
    issuer: TestIssuer,
    live: Mutex<Vec<Arc<Generation>>>,
    /// Recorded before the issuer withdraws a key: from then on its tokens may be rejected.
    withdrawn: Mutex<Vec<String>>,
    is_over: AtomicBool,
    served: AtomicUsize,
    fresh: AtomicUsize,
    refused: Mutex<Vec<String>>,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let rotations = if is_long { 120 } else { 3 };
    let issuer = TestIssuer::serve();
    let refresh = KeyRefresh::new()
        .with_interval(INTERVAL)
        .with_cool_down(COOL_DOWN)
        .with_timeout(FETCH);
    let trusted = TrustedIssuer::discover(issuer.name(), AUDIENCE).with_key_refresh(refresh);
    let verifier = JwtVerifier::new([trusted]).expect("a verifier");
    verifier.ready().await.expect("keys");
    let load = Arc::new(Load {
        app: App::new(verifier),
        live: Mutex::new(vec![Generation::of(&issuer, &issuer.key())]),
        issuer: issuer.clone(),
        withdrawn: Mutex::default(),
        is_over: AtomicBool::new(false),
        served: AtomicUsize::new(0),
        fresh: AtomicUsize::new(0),
        refused: Mutex::default(),
    });
    let mut callers = JoinSet::new();
    for task in 0..TASKS {
        let load = Arc::clone(&load);
        callers.spawn(async move { load.call(task).await });
    }

    let mut slowest = Duration::ZERO;
    let mut outlived = 0;
    for number in 0..rotations {
        // Tokens of the withdrawn key caused a fetch, and another one may not start during the
        // cool-down.
        sleep(COOL_DOWN).await;
        let next = issuer.publish_next();
        // Some issuers use a new key at once; careful ones wait until every verifier has fetched
        // it.
        if number % 2 == 1 {
            sleep(INTERVAL).await;
        }
        issuer.sign_with(next.kid());
        let next = Generation::of(&issuer, &next);
        load.live.lock().expect("a lock").push(next);
        // The old key's tokens stay in use for a while.
        load.serves(2_000).await;
        let old = load.live.lock().expect("a lock").remove(0);
        load.withdrawn.lock().expect("a lock").push(old.kid.clone());
        issuer.withdraw(&old.kid);
        match load.outlives(&old).await {
            Some(took) => slowest = slowest.max(took),
            None => outlived += 1,
        }
    }
    load.is_over.store(true, Ordering::SeqCst);
    callers.join_all().await;

    let refused = load.refused.lock().expect("a lock");
    let mut figures = Figures::default();
    figures.add("rotations", rotations);
    figures.add("valid requests", load.served.load(Ordering::SeqCst));
    figures.add(
        "of these with a fresh token",
        load.fresh.load(Ordering::SeqCst),
    );
    figures.must(
        "refused, or served as another user",
        refused.len(),
        refused.is_empty(),
    );
    figures.must(
        "withdrawn keys that still counted after the bound",
        outlived,
        outlived == 0,
    );
    let bound = INTERVAL + FETCH;
    figures.must(
        "longest a withdrawn key counted, s",
        format!("{:.2}", slowest.as_secs_f64()),
        slowest <= bound,
    );
    figures.add("bound (interval and one fetch), s", bound.as_secs());
    figures.add("fetches of the key set", issuer.requests(Endpoint::Jwks));
    if let Some(first) = refused.first() {
        figures.add("first refusal", first);
    }
    figures
}

impl Generation {
    fn of(issuer: &TestIssuer, key: &Arc<SigningKey>) -> Arc<Self> {
        let mint = |number| {
            let subject = format!("person-{number}");
            let token = issuer.token(&subject).audience(AUDIENCE);
            (
                subject,
                token.header("kid", key.kid()).signed_by(key).sign(),
            )
        };
        Arc::new(Self {
            kid: key.kid().to_owned(),
            tokens: (0..50).map(mint).collect(),
        })
    }
}

impl Load {
    async fn call(&self, task: usize) {
        let mut round = task;
        while !self.is_over.load(Ordering::SeqCst) {
            round += 1;
            let generation = self.pick(round);
            let (subject, token) = &generation.tokens[round / 7 % generation.tokens.len()];
            // A fresh token is signed by the current key.
            let fresh = round.is_multiple_of(5).then(|| self.fresh_token(subject));
            let (kid, token) = match &fresh {
                Some((kid, token)) => (kid, token),
                None => (&generation.kid, token),
            };
            let answer = self.app.call(token).await;
            let is_fresh = usize::from(fresh.is_some());
            if answer.is_for(subject) {
                self.served.fetch_add(1, Ordering::SeqCst);
                self.fresh.fetch_add(is_fresh, Ordering::SeqCst);
            } else if !self.withdrawn.lock().expect("a lock").contains(kid) {
                let refusal = format!("{kid}: {answer:?}");
                self.refused.lock().expect("a lock").push(refusal);
            }
            tokio::task::yield_now().await;
        }
    }

    fn pick(&self, round: usize) -> Arc<Generation> {
        let live = self.live.lock().expect("a lock");
        Arc::clone(&live[round % live.len()])
    }

    fn fresh_token(&self, subject: &str) -> (String, String) {
        let key = self.issuer.key();
        let token = self.issuer.token(subject).audience(AUDIENCE);
        let token = token.header("kid", key.kid()).signed_by(&key);
        (key.kid().to_owned(), token.sign())
    }

    async fn serves(&self, requests: usize) {
        let goal = self.served.load(Ordering::SeqCst) + requests;
        while self.served.load(Ordering::SeqCst) < goal {
            sleep(Duration::from_millis(5)).await;
        }
    }

    /// Returns the time for which tokens of a withdrawn key are still accepted. `None` means longer
    /// than allowed.
    async fn outlives(&self, old: &Generation) -> Option<Duration> {
        let started = Instant::now();
        let (subject, token) = &old.tokens[0];
        let refused = async {
            while self.app.call(token).await.is_for(subject) {
                sleep(Duration::from_millis(5)).await;
            }
        };
        timeout(2 * (INTERVAL + FETCH), refused).await.ok()?;
        let took = started.elapsed();
        // Checks the other tokens too, which were cached.
        for (subject, token) in &old.tokens {
            if self.app.call(token).await.is_for(subject) {
                return None;
            }
        }
        Some(took)
    }
}
