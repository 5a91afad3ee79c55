//! Cost of a request whose token and user are cached.
//!
//! `bare` is the inner service alone, `floor` the minimal cache in front of it (see
//! `floor/mod.rs`). The result is the time of the layer beyond `bare`, in multiples of the time of
//! `floor` beyond it.
//!
//! `cargo bench --all-features --bench warm`; the million tokens are omitted with `--quick`, in
//! test mode, and when a filter does not name them.

mod fixture;
mod floor;
mod inner;
mod table;

use std::{
    convert::Infallible,
    env,
    hint::black_box,
    sync::{Arc, Barrier},
    thread,
    time::{Duration, Instant},
};

use cpu_time::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use tower::{Layer, Service};
use tower_jit_provisioning::{
    Algorithm, CachedProvisioner, MemoryProvisioner, ProvisionLayer, Provisioner,
    provision::Provision,
};

use self::{
    fixture::{finish, issuer, token, verifier},
    floor::Floor,
    inner::Inner,
    table::{Ratio, Table},
};

/// Requests are built in small batches, outside of the measured time, so that their bytes are about
/// as close to the processor as those a server has just read.
const BATCH: u64 = 32;

/// Longer than a bench runs, so that nothing expires.
const DAY: Duration = Duration::from_secs(86_400);

type Warm = Provision<Inner, CachedProvisioner<MemoryProvisioner>>;

/// Returns a service that has cached the token and the user of each of these headers.
fn warmed(algorithm: Algorithm, subjects: usize) -> (Warm, Vec<String>) {
    let issuer = issuer(algorithm);
    let users = CachedProvisioner::new(MemoryProvisioner::new())
        .with_ttl(DAY)
        .with_capacity(subjects * 2);
    let verifier = verifier(&issuer, algorithm).with_cache_capacity(subjects as u64 * 4096 + 1);
    let layer = ProvisionLayer::new(verifier.clone(), users.clone());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let bearers: Vec<_> = (0..subjects as u64)
        .map(|number| token(&issuer, number).bearer())
        .collect();
    runtime.block_on(async {
        for bearer in &bearers {
            let Ok(response) = layer.layer(Inner).call(request(bearer.as_bytes())).await;
            assert_eq!(response.status(), 200);
        }
    });
    let forgotten = bearers.iter().filter(|bearer| {
        let identity = verifier.cached(&bearer["Bearer ".len()..]);
        let user = identity.and_then(|identity| users.cached(&identity));
        user.is_none()
    });
    assert_eq!(
        forgotten.count(),
        0,
        "every token and every user is remembered"
    );
    (layer.layer(Inner), bearers)
}

fn floor_of(bearers: &[String]) -> Floor {
    Floor::new(bearers.iter().map(|bearer| &bearer["Bearer ".len()..]))
}

fn one_token(criterion: &mut Criterion) {
    let algorithms = [
        Algorithm::Rs256,
        Algorithm::Ps256,
        Algorithm::Es256,
        Algorithm::EdDsa,
        Algorithm::Hs256,
    ];
    for algorithm in algorithms {
        let (mut service, bearers) = warmed(algorithm, 1);
        let mut floor = floor_of(&bearers);
        let next = || bearers[0].as_bytes();
        let mut table = Table::new(format!("warm, one {} token", algorithm.as_str()));
        table.row("bare", |n| calls(&mut Inner, next, 200, n));
        table.row("floor", |n| calls(&mut floor, next, 200, n));
        table.row("layer", |n| calls(&mut service, next, 200, n));
        table.ratio(beyond_bare(1.25));
        table.measure(criterion);
    }
}

fn many_tokens(criterion: &mut Criterion) {
    for (count, is_wanted) in [(1_000, true), (10_000, true), (1_000_000, is_full_run())] {
        // In a test run, Criterion only checks that the benches work.
        let count = if is_test() { 100 } else { count };
        if !is_wanted {
            continue;
        }
        let (mut service, bearers) = warmed(Algorithm::Hs256, count);
        let mut floor = floor_of(&bearers);
        let picks = || {
            let mut picks = Picks::new();
            let bearers = &bearers;
            move || bearers[picks.below(bearers.len())].as_bytes()
        };
        let (mut bare_next, mut floor_next, mut next) = (picks(), picks(), picks());
        let mut table = Table::new(format!("warm, {count} tokens at random"));
        table.row("bare", |n| calls(&mut Inner, &mut bare_next, 200, n));
        table.row("floor", |n| calls(&mut floor, &mut floor_next, 200, n));
        table.row("layer", |n| calls(&mut service, &mut next, 200, n));
        table.ratio(beyond_bare(1.5));
        table.measure(criterion);
    }
}

/// Compares the time of a call with two threads that share the caches, and with one alone.
fn two_threads(criterion: &mut Criterion) {
    let count = if is_test() { 100 } else { 10_000 };
    let (service, bearers) = warmed(Algorithm::Hs256, count);
    let floor = floor_of(&bearers);
    let mut table = Table::new(format!("warm, {count} tokens at random, threads"));
    table.row("floor, one", |n| together(1, &floor, &bearers, n));
    table.row("floor, two", |n| together(2, &floor, &bearers, n));
    table.ratio(of(&["floor, one"]));
    table.row("layer, one", |n| together(1, &service, &bearers, n));
    table.row("layer, two", |n| together(2, &service, &bearers, n));
    table.ratio(of(&["layer, one"]));
    table.measure(criterion);
    let one = vec![bearers[0].clone()];
    let mut table = Table::new("warm, one token, threads");
    table.row("floor, one", |n| together(1, &floor, &one, n));
    table.row("floor, two", |n| together(2, &floor, &one, n));
    table.ratio(of(&["floor, one"]));
    table.row("layer, one", |n| together(1, &service, &one, n));
    table.row("layer, two", |n| together(2, &service, &one, n));
    table.ratio(of(&["layer, one"]));
    table.measure(criterion);
}

/// Returns the longest time that one of the threads takes for its `iterations` calls.
fn together<S, B>(threads: usize, service: &S, bearers: &[String], iterations: u64) -> Duration
where
    S: Service<Request<()>, Response = Response<B>> + Clone + Send,
    S: Service<Request<()>, Error = Infallible>,
{
    let barrier = Arc::new(Barrier::new(threads));
    thread::scope(|scope| {
        let workers: Vec<_> = (0..threads)
            .map(|_| {
                let (barrier, mut service) = (Arc::clone(&barrier), service.clone());
                scope.spawn(move || {
                    let mut picks = Picks::new();
                    let next = || bearers[picks.below(bearers.len())].as_bytes();
                    barrier.wait();
                    let start = Instant::now();
                    calls(&mut service, next, 200, iterations);
                    start.elapsed()
                })
            })
            .collect();
        let times = workers.into_iter().map(|worker| worker.join());
        times.map(|time| time.expect("no panic")).max()
    })
    .unwrap_or_default()
}

/// Copies the bytes, as a server does.
fn request(authorization: &[u8]) -> Request<()> {
    let mut request = Request::new(());
    let value = HeaderValue::from_bytes(authorization).expect("a header value");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

/// Measures calls, each with the header value that `next` picks, and checks the status of the
/// responses.
fn calls<'t, S, B>(
    service: &mut S,
    mut next: impl FnMut() -> &'t [u8],
    status: u16,
    iterations: u64,
) -> Duration
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    let (mut time, mut left) = (Duration::ZERO, iterations);
    let mut requests = Vec::with_capacity(BATCH as usize);
    while left > 0 {
        requests.extend((0..BATCH.min(left)).map(|_| request(next())));
        left -= requests.len() as u64;
        let start = ThreadTime::now();
        for request in requests.drain(..) {
            let Ok(response) = finish(service.call(request));
            assert_eq!(black_box(response).status(), status);
        }
        time += start.elapsed();
    }
    time
}

fn beyond_bare(goal: f64) -> Ratio {
    Ratio {
        beyond: Some("bare"),
        of: &["floor"],
        goal: Some(goal),
    }
}

fn of(row: &'static [&'static str]) -> Ratio {
    Ratio {
        beyond: None,
        of: row,
        goal: None,
    }
}

fn is_test() -> bool {
    !env::args().any(|argument| argument == "--bench")
}

fn is_full_run() -> bool {
    !is_test() && !env::args().any(|argument| argument == "--quick")
}

/// Picks pseudorandom indices below a bound, unpredictable to the processor but equal in every run.
struct Picks(u64);

impl Picks {
    fn new() -> Self {
        Self(0x9e37_79b9_7f4a_7c15)
    }

    fn below(&mut self, bound: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % bound as u64) as usize
    }
}

fn config() -> Criterion {
    Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(4))
        .without_plots()
}

criterion_group! {
    name = benches;
    config = config();
    targets = one_token, many_tokens, two_threads
}
criterion_main!(benches);
