//! Floods of invalid tokens: they cause at most one fetch per cool-down at the trusted issuer, none
//! at unknown issuers, and next to no delay of valid requests.

use std::{
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    thread,
    time::{Duration, Instant},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderValue, Request, StatusCode, header::AUTHORIZATION};
use tokio::runtime::Runtime;
use tower_jit_provisioning::{
    JwtVerifier, TrustedIssuer,
    testing::{Endpoint, TestIssuer},
    verifier::KeyRefresh,
};

use crate::{
    app::{AUDIENCE, App},
    figures::Figures,
};

const COOL_DOWN: Duration = Duration::from_secs(1);

/// Duration of each quiet phase and each flood phase, in alternation, so that other load on the
/// machine affects both equally.
const QUIET: Duration = Duration::from_millis(50);
const FLOODED: Duration = Duration::from_millis(200);

const PEOPLE: usize = 200;

/// State shared by the flood and the valid caller.
struct Flood {
    app: App,
    known: TestIssuer,
    /// An issuer that is running, but not trusted.
    stranger: TestIssuer,
    is_on: AtomicBool,
    is_over: AtomicBool,
    sent: [AtomicUsize; KINDS.len()],
    let_in: AtomicUsize,
    unexpected: AtomicUsize,
}

const KINDS: [&str; 6] = [
    "made-up `kid`",
    "known `kid`, bad signature",
    "unknown issuer",
    "garbage",
    "too large",
    "two credentials",
];

/// Measurements of the valid caller.
#[derive(Default)]
struct Good {
    quiet: Vec<Duration>,
    flooded: Vec<Duration>,
    refused: usize,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let goal = if is_long { 1_000_000 } else { 10_000 };
    let known = TestIssuer::serve();
    let refresh = KeyRefresh::new()
        .with_interval(Duration::from_secs(3600))
        .with_cool_down(COOL_DOWN);
    let trusted = TrustedIssuer::discover(known.name(), AUDIENCE).with_key_refresh(refresh);
    let verifier = JwtVerifier::new([trusted]).expect("a verifier");
    verifier.ready().await.expect("keys");
    let flood = Arc::new(Flood {
        app: App::new(verifier),
        known,
        stranger: TestIssuer::serve(),
        is_on: AtomicBool::new(false),
        is_over: AtomicBool::new(false),
        sent: Default::default(),
        let_in: AtomicUsize::new(0),
        unexpected: AtomicUsize::new(0),
    });
    let fetched = flood.known.requests(Endpoint::Jwks);
    let started = Instant::now();
    // Each has its own thread, so that a measured request never waits for another one.
    let caller = {
        let flood = Arc::clone(&flood);
        thread::spawn(move || Runtime::new().expect("a runtime").block_on(flood.call()))
    };
    let flooder = {
        let flood = Arc::clone(&flood);
        thread::spawn(move || Runtime::new().expect("a runtime").block_on(flood.flood()))
    };
    while flood.sent() < goal {
        for (is_on, turn) in [(false, QUIET), (true, FLOODED)] {
            flood.is_on.store(is_on, Ordering::SeqCst);
            tokio::time::sleep(turn).await;
        }
    }
    flood.is_over.store(true, Ordering::SeqCst);
    flooder.join().expect("the flood");
    let mut good = caller.join().expect("the valid caller");
    let took = started.elapsed();
    let fetches = flood.known.requests(Endpoint::Jwks) - fetched;

    let mut figures = Figures::default();
    figures.must("requests of the flood", flood.sent(), flood.sent() >= goal);
    for (kind, sent) in KINDS.iter().zip(&flood.sent) {
        figures.add(kind, sent.load(Ordering::SeqCst));
    }
    let (let_in, unexpected) = (&flood.let_in, &flood.unexpected);
    let let_in = let_in.load(Ordering::SeqCst);
    figures.must("of these let in", let_in, let_in == 0);
    let unexpected = unexpected.load(Ordering::SeqCst);
    figures.must(
        "of these answered neither 400 nor 401",
        unexpected,
        unexpected == 0,
    );
    let users = flood.app.users();
    figures.must("users", users, users == PEOPLE);
    let cool_downs = took.as_secs_f64() / COOL_DOWN.as_secs_f64();
    figures.add("cool-downs", format!("{cool_downs:.1}"));
    let is_bounded = (1..=cool_downs as usize + 1).contains(&fetches);
    figures.must("fetches of the key set", fetches, is_bounded);
    let strange = flood.stranger.requests(Endpoint::Jwks)
        + flood.stranger.requests(Endpoint::Discovery)
        + flood.stranger.requests(Endpoint::Metadata);
    figures.must("requests to the unknown issuer", strange, strange == 0);
    let requests = good.quiet.len() + good.flooded.len();
    figures.add("good requests", requests);
    figures.must("of these refused", good.refused, good.refused == 0);
    let (quiet, flooded) = (p99(&mut good.quiet), p99(&mut good.flooded));
    figures.add("p99 of a good request while quiet, us", quiet.as_micros());
    // The short form has too few requests for a limit at the 99th percentile.
    figures.must(
        "p99 of a good request in the flood, us",
        flooded.as_micros(),
        !is_long || flooded <= 3 * quiet,
    );
    figures.add(
        "flood, requests a second",
        (flood.sent() as f64 / took.as_secs_f64()) as usize,
    );
    figures
}

fn p99(durations: &mut [Duration]) -> Duration {
    durations.sort_unstable();
    let rank = durations.len() * 99 / 100;
    durations.get(rank).copied().unwrap_or_default()
}

impl Flood {
    fn sent(&self) -> usize {
        self.sent
            .iter()
            .map(|sent| sent.load(Ordering::SeqCst))
            .sum()
    }

    /// Sends valid requests one after another: known tokens, and a new one every tenth time.
    async fn call(&self) -> Good {
        let tokens: Vec<_> = (0..PEOPLE)
            .map(|person| (subject(person), mint(&self.known, person)))
            .collect();
        for (_, token) in &tokens {
            self.app.call(token).await;
        }
        let mut good = Good::default();
        let mut number = 0;
        while !self.is_over.load(Ordering::SeqCst) {
            number += 1;
            let (subject, token) = &tokens[number % PEOPLE];
            let fresh = number
                .is_multiple_of(10)
                .then(|| mint(&self.known, number % PEOPLE));
            let is_flooded = self.is_on.load(Ordering::SeqCst);
            let answer = self.app.call(fresh.as_ref().unwrap_or(token)).await;
            // A phase that ended during the request makes the sample belong to neither phase.
            if is_flooded == self.is_on.load(Ordering::SeqCst) {
                let measured = match is_flooded {
                    true => &mut good.flooded,
                    false => &mut good.quiet,
                };
                measured.push(answer.took);
            }
            good.refused += usize::from(!answer.is_for(subject));
        }
        good
    }

    async fn flood(&self) {
        let mut number = 0;
        let (real, strange) = (mint(&self.known, 0), mint(&self.stranger, 0));
        while !self.is_over.load(Ordering::SeqCst) {
            if !self.is_on.load(Ordering::SeqCst) {
                thread::sleep(Duration::from_millis(1));
                continue;
            }
            let kind = number % KINDS.len();
            number += 1;
            let answer = self.app.send(request(kind, number, &real, &strange)).await;
            self.sent[kind].fetch_add(1, Ordering::SeqCst);
            match answer.status {
                StatusCode::BAD_REQUEST | StatusCode::UNAUTHORIZED => {}
                StatusCode::OK => drop(self.let_in.fetch_add(1, Ordering::SeqCst)),
                _ => drop(self.unexpected.fetch_add(1, Ordering::SeqCst)),
            }
        }
    }
}

fn request(kind: usize, number: usize, real: &str, strange: &str) -> Request<()> {
    let (message, signature) = real.rsplit_once('.').expect("a token");
    let (_, payload) = message.split_once('.').expect("a token");
    let token = match kind {
        0 => {
            let header = format!(r#"{{"alg":"ES256","typ":"JWT","kid":"{number}"}}"#);
            let header = URL_SAFE_NO_PAD.encode(header);
            format!("{header}.{payload}.{signature}")
        }
        // `A` at the end makes it valid base64, so that only the signature is wrong.
        1 => format!("{message}.{number:0>85}A"),
        2 => strange.to_owned(),
        3 => format!("{:x}.{:x}.{number}", number * 7919, number * 104_729),
        4 => "a".repeat(20_000),
        _ => real.to_owned(),
    };
    let mut request = Request::get("/").body(()).expect("a request");
    let value = HeaderValue::try_from(format!("Bearer {token}")).expect("a header");
    if kind == 5 {
        request.headers_mut().append(AUTHORIZATION, value.clone());
    }
    request.headers_mut().append(AUTHORIZATION, value);
    request
}

fn subject(person: usize) -> String {
    format!("person-{person}")
}

fn mint(issuer: &TestIssuer, person: usize) -> String {
    issuer.token(&subject(person)).audience(AUDIENCE).sign()
}
