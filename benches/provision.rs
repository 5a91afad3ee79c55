//! Cost of a token that was not seen before, for a known user, including the store.
//!
//! `raw` is only the signature verification of that token. `statement` is the provisioner's own
//! statement through sqlx, on the same pool, with its rows discarded.
//!
//! `cargo bench --all-features --bench provision`

mod fixture;
mod inner;
mod raw;
mod table;

use std::{
    hint::black_box,
    sync::{Arc, Mutex},
    time::{Duration, Instant},
};

use criterion::{Criterion, criterion_group, criterion_main};
use http::{Request, header::AUTHORIZATION};
use sea_orm::{
    ConnectOptions, Database, DatabaseConnection, Statement, Value,
    sqlx::{self, AssertSqlSafe},
};
use tokio::runtime::Runtime;
use tower::{Layer, Service};
use tower_jit_provisioning::{
    Algorithm, JwtVerifier, MemoryProvisioner, ProvisionLayer, Provisioner,
    sea_orm::{SeaOrmProvisioner, migration},
};

use self::{
    fixture::{finish, issuer, token, verifier},
    inner::Inner,
    raw::Raw,
    table::{Ratio, Table},
};

fn provision(criterion: &mut Criterion) {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime");
    for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
        let (issuer, name) = (issuer(algorithm), algorithm.as_str());
        let signed = token(&issuer, 0);
        let (bearer, raw) = (
            signed.bearer(),
            Raw::new(&issuer, algorithm, &signed.sign()),
        );
        let forgetful = verifier(&issuer, algorithm).with_cache_capacity(0);

        let users = MemoryProvisioner::new();
        let mut service = ProvisionLayer::new(forgetful.clone(), users).layer(Inner);
        let mut table = Table::new(format!("a new token of a known user, {name}, in memory"));
        table.row("raw", |n| times(n, || raw.verify()));
        table.row("layer", |n| {
            times(n, || {
                let Ok(response) = finish(service.call(request(&bearer)));
                response.status() == 200
            })
        });
        table.ratio(of(&["raw"], None));
        table.measure(criterion);

        let db = runtime.block_on(database());
        let users = SeaOrmProvisioner::new(db.clone());
        cold(&runtime, &forgetful, &users, &bearer, 1);
        let statement = statement_of(&runtime, &db, &forgetful, &bearer);
        let mut table = Table::new(format!("a new token of a known user, {name}, SQLite"));
        table.row("raw", |n| times(n, || raw.verify()));
        table.row("statement", |n| repeated(&runtime, &db, &statement, n));
        table.row("layer", |n| cold(&runtime, &forgetful, &users, &bearer, n));
        table.ratio(of(&["raw", "statement"], 1.25));
        table.measure(criterion);
    }
}

fn of(rows: &'static [&'static str], goal: impl Into<Option<f64>>) -> Ratio {
    Ratio {
        beyond: None,
        of: rows,
        goal: goal.into(),
    }
}

async fn database() -> DatabaseConnection {
    let mut options = ConnectOptions::new("sqlite::memory:");
    options.max_connections(1).sqlx_logging(false);
    let db = Database::connect(options).await.expect("SQLite");
    migration::run(&db).await.expect("the bundled tables");
    db
}

/// Returns the only statement that a request of a known user runs.
fn statement_of(
    runtime: &Runtime,
    db: &DatabaseConnection,
    verifier: &JwtVerifier,
    bearer: &str,
) -> Statement {
    let mut watched = db.clone();
    let statements = Arc::new(Mutex::new(Vec::new()));
    let recorded = Arc::clone(&statements);
    watched.set_metric_callback(move |info| {
        let statement = info.statement.clone();
        recorded.lock().expect("no panic").push(statement);
    });
    let users = SeaOrmProvisioner::new(watched);
    cold(runtime, verifier, &users, bearer, 1);
    let mut statements = statements.lock().expect("no panic");
    assert_eq!(statements.len(), 1, "{statements:?}");
    statements.remove(0)
}

fn repeated(runtime: &Runtime, db: &DatabaseConnection, statement: &Statement, n: u64) -> Duration {
    let pool = db.get_sqlite_connection_pool();
    let values = statement.values.iter().flat_map(|values| &values.0);
    let texts: Vec<_> = values
        .map(|value| match value {
            Value::String(Some(text)) => text.as_str(),
            other => panic!("{other:?} is no text"),
        })
        .collect();
    runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..n {
            let query = sqlx::query(AssertSqlSafe(statement.sql.as_str()));
            let query = texts.iter().fold(query, |query, text| query.bind(*text));
            let rows = query.fetch_all(pool).await.expect("a good statement");
            assert_eq!(rows.len(), 1);
        }
        start.elapsed()
    })
}

fn times(iterations: u64, mut operation: impl FnMut() -> bool) -> Duration {
    let start = Instant::now();
    for _ in 0..iterations {
        assert!(black_box(operation()));
    }
    start.elapsed()
}

fn request(authorization: &str) -> Request<()> {
    let request = Request::get("/").header(AUTHORIZATION, authorization);
    request.body(()).expect("a request")
}

fn cold<P>(runtime: &Runtime, verifier: &JwtVerifier, users: &P, bearer: &str, n: u64) -> Duration
where
    P: Provisioner + Clone,
{
    let mut service = ProvisionLayer::new(verifier.clone(), users.clone()).layer(Inner);
    runtime.block_on(async {
        let start = Instant::now();
        for _ in 0..n {
            let Ok(response) = service.call(request(bearer)).await;
            assert_eq!(response.status(), 200);
        }
        start.elapsed()
    })
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(8))
        .without_plots();
    targets = provision
}
criterion_main!(benches);
