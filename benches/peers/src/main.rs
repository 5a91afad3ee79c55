//! The same request through two other layers and through this one, without a server.
//!
//! The other layers verify each token anew and load no user; their applications need one SELECT in
//! the handler for that. `bare` is the inner service alone. The first tables measure the thread's
//! processor time; tables with a database measure wall-clock time.
//!
//! ```sh
//! cargo run --release --manifest-path benches/peers/Cargo.toml --bin peers
//! TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:5432/postgres cargo run ...   # with PostgreSQL
//! ```

#[expect(dead_code, reason = "this program never polls by hand")]
#[path = "../../fixture/mod.rs"]
mod fixture;
#[path = "../../table/mod.rs"]
mod table;

use std::{
    convert::Infallible,
    env,
    future::Ready,
    hint::black_box,
    pin::Pin,
    task::{Context, Poll},
    time::{Duration, Instant},
};

use axum::body::Body;
use cpu_time::ThreadTime;
use criterion::Criterion;
use http::{Extensions, HeaderValue, Request, Response, header::AUTHORIZATION};
use oauth_resource_server::Credential;
use peers::{
    layers::{Claims, oauth_resource_server, tower_oauth2_resource_server},
    store,
};
use sea_orm::DatabaseConnection;
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use tower_jit_provisioning::{
    Algorithm, CachedProvisioner, MemoryProvisioner, ProvisionLayer, sea_orm::SeaOrmProvisioner,
    testing::TestIssuer,
};

use self::{
    fixture::{AUDIENCE, issuer, subject, token, verifier},
    table::{Ratio, Table},
};

/// Requests are built in small batches, outside of the measured time.
const BATCH: u64 = 32;

/// Longer than this program runs, so that nothing expires.
const DAY: Duration = Duration::from_secs(86_400);

const PEERS: [&str; 2] = ["oauth-resource-server", "tower-oauth2-resource-server"];

fn main() {
    let mut criterion = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(6))
        .without_plots();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for (algorithm, goal) in [(Algorithm::Rs256, 0.01), (Algorithm::Es256, 0.005)] {
        let issuer = issuer(algorithm);
        layers(&mut criterion, &runtime, &issuer, algorithm, goal);
        let sqlite = runtime.block_on(store::connect("sqlite::memory:", 1));
        let sqlite = sqlite.expect("SQLite");
        with_users(
            &mut criterion,
            &runtime,
            &issuer,
            algorithm,
            "SQLite",
            &sqlite,
        );
        if let Ok(url) = env::var("TEST_POSTGRES_URL") {
            let postgres = runtime.block_on(store::postgres(&url, "tower_jit_peers"));
            let postgres = postgres.expect("PostgreSQL");
            with_users(
                &mut criterion,
                &runtime,
                &issuer,
                algorithm,
                "PostgreSQL",
                &postgres,
            );
        }
    }
}

/// The layers alone: only this crate's layer loads a user, from memory.
fn layers(
    criterion: &mut Criterion,
    runtime: &Runtime,
    issuer: &TestIssuer,
    algorithm: Algorithm,
    goal: f64,
) {
    let bearer = token(issuer, 0).bearer();
    let mut first = oauth_resource_server(issuer, AUDIENCE, algorithm.as_str()).layer(Inner);
    let mut second = runtime
        .block_on(tower_oauth2_resource_server(issuer, AUDIENCE))
        .layer(Inner);
    let forgetful = verifier(issuer, algorithm).with_cache_capacity(0);
    let mut cold = ProvisionLayer::new(forgetful, MemoryProvisioner::new()).layer(Inner);
    let users = CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(DAY);
    let mut warm = ProvisionLayer::new(verifier(issuer, algorithm), users).layer(Inner);

    let clock = || {
        let start = ThreadTime::now();
        move || start.elapsed()
    };
    let mut table = Table::new(format!("one {} request", algorithm.as_str()));
    table.row("bare", |n| calls(runtime, &mut Inner, &bearer, n, clock));
    table.row(PEERS[0], |n| calls(runtime, &mut first, &bearer, n, clock));
    table.row(PEERS[1], |n| calls(runtime, &mut second, &bearer, n, clock));
    table.row("this crate, cold", |n| {
        calls(runtime, &mut cold, &bearer, n, clock)
    });
    table.ratio(beyond_bare(&[PEERS[0]], None));
    table.ratio(beyond_bare(&[PEERS[1]], None));
    table.row("this crate, warm", |n| {
        calls(runtime, &mut warm, &bearer, n, clock)
    });
    table.ratio(beyond_bare(&[PEERS[0]], Some(goal)));
    table.ratio(beyond_bare(&[PEERS[1]], Some(goal)));
    table.measure(criterion);
}

/// The layers and the user: a SELECT behind the other layers, and this crate's own provisioner.
fn with_users(
    criterion: &mut Criterion,
    runtime: &Runtime,
    issuer: &TestIssuer,
    algorithm: Algorithm,
    name: &str,
    db: &DatabaseConnection,
) {
    runtime
        .block_on(store::fill(db, &subject(0)))
        .expect("tables");
    let bearer = token(issuer, 0).bearer();
    let finding = |subject_of| Finding {
        db: db.clone(),
        subject_of,
    };
    let mut first =
        oauth_resource_server(issuer, AUDIENCE, algorithm.as_str()).layer(finding(|extensions| {
            match extensions.get() {
                Some(Credential::OAuth(token)) => token.principal.clone(),
                _ => None,
            }
        }));
    let second = runtime.block_on(tower_oauth2_resource_server(issuer, AUDIENCE));
    let mut second = second.layer(finding(|extensions| {
        extensions.get().map(|claims: &Claims| claims.sub.clone())
    }));
    let forgetful = verifier(issuer, algorithm).with_cache_capacity(0);
    let users = SeaOrmProvisioner::new(db.clone());
    let mut cold = ProvisionLayer::new(forgetful, users.clone()).layer(Inner);
    let users = CachedProvisioner::new(users).with_ttl(DAY);
    let mut warm = ProvisionLayer::new(verifier(issuer, algorithm), users).layer(Inner);

    let clock = || {
        let start = Instant::now();
        move || start.elapsed()
    };
    let mut table = Table::new(format!(
        "one {} request and its user, {name}",
        algorithm.as_str()
    ));
    table.row("bare", |n| calls(runtime, &mut Inner, &bearer, n, clock));
    table.row(PEERS[0], |n| calls(runtime, &mut first, &bearer, n, clock));
    table.row(PEERS[1], |n| calls(runtime, &mut second, &bearer, n, clock));
    table.row("this crate, cold", |n| {
        calls(runtime, &mut cold, &bearer, n, clock)
    });
    table.ratio(beyond_bare(&[PEERS[0]], None));
    table.ratio(beyond_bare(&[PEERS[1]], None));
    table.row("this crate, warm", |n| {
        calls(runtime, &mut warm, &bearer, n, clock)
    });
    table.ratio(beyond_bare(&[PEERS[0]], None));
    table.ratio(beyond_bare(&[PEERS[1]], None));
    table.measure(criterion);
}

fn beyond_bare(of: &'static [&'static str], goal: Option<f64>) -> Ratio {
    Ratio {
        beyond: Some("bare"),
        of,
        goal,
    }
}

/// Measures calls with the given clock: `start` starts it, and the returned function reads it.
fn calls<S, B, R: Fn() -> Duration>(
    runtime: &Runtime,
    service: &mut S,
    bearer: &str,
    iterations: u64,
    start: impl Fn() -> R,
) -> Duration
where
    S: Service<Request<Body>, Response = Response<B>, Error = Infallible>,
{
    let (mut time, mut left) = (Duration::ZERO, iterations);
    let mut requests = Vec::with_capacity(BATCH as usize);
    runtime.block_on(async {
        while left > 0 {
            requests.extend((0..BATCH.min(left)).map(|_| request(bearer)));
            left -= requests.len() as u64;
            let elapsed = start();
            for request in requests.drain(..) {
                let Ok(()) = std::future::poll_fn(|cx| service.poll_ready(cx)).await;
                let Ok(response) = service.call(request).await;
                assert_eq!(black_box(response).status(), 200);
            }
            time += elapsed();
        }
    });
    time
}

fn request(bearer: &str) -> Request<Body> {
    let mut request = Request::new(Body::empty());
    let value = HeaderValue::from_str(bearer).expect("a header value");
    request.headers_mut().insert(AUTHORIZATION, value);
    request
}

/// Does nothing.
#[derive(Clone)]
struct Inner;

impl Service<Request<Body>> for Inner {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Ready<Result<Response<Body>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        black_box(&request);
        std::future::ready(Ok(Response::new(Body::empty())))
    }
}

/// Looks up the user of the subject from the layer.
#[derive(Clone)]
struct Finding {
    db: DatabaseConnection,
    subject_of: fn(&Extensions) -> Option<String>,
}

impl Service<Request<Body>> for Finding {
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<Body>) -> Self::Future {
        let subject = (self.subject_of)(request.extensions()).expect("a subject");
        let db = self.db.clone();
        Box::pin(async move {
            assert!(store::find(&db, &subject).await.expect("a store"));
            Ok(Response::new(Body::empty()))
        })
    }
}
