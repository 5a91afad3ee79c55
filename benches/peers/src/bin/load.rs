//! Requests over HTTP: throughput and latency of a server.
//!
//! One process runs a server for each row on 127.0.0.1, and wrk sends requests to them in turns.
//! Every row is compared with the first one of its own round, and the printed result is the median
//! over the rounds, so that other load on the machine affects all rows of a round equally.
//!
//! ```sh
//! TEST_POSTGRES_URL=postgres://postgres@127.0.0.1:5432/postgres \
//!     cargo run --release --manifest-path benches/peers/Cargo.toml --bin load [rounds]
//! ```

#[expect(dead_code, reason = "this program never polls by hand")]
#[path = "../../../fixture/mod.rs"]
mod fixture;

use std::{env, error::Error, hint::black_box, io, net::Ipv4Addr, time::Duration};

use axum::{Extension, Router, extract::State, http::StatusCode, routing::get};
use peers::{
    layers::{Claims, tower_oauth2_resource_server},
    store,
};
use sea_orm::DatabaseConnection;
use tokio::{net::TcpListener, process::Command};
use tower_jit_provisioning::{
    Algorithm, CachedProvisioner, CurrentUser, ProvisionLayer,
    sea_orm::{SeaOrmProvisioner, User},
};

use self::fixture::{AUDIENCE, issuer, subject, token, verifier};

/// Number of rounds, unless the first argument sets another number.
const ROUNDS: usize = 9;

/// Duration of the load on a server in a round, and number of connections.
const SECONDS: &str = "-d2s";
const CONNECTIONS: &str = "-c32";

/// Longer than this program runs, so that nothing expires.
const DAY: Duration = Duration::from_secs(86_400);

/// One server, and its results in each round.
struct Row {
    name: &'static str,
    url: String,
    rounds: Vec<Round>,
}

struct Round {
    requests_per_second: f64,
    /// Median and 99th percentile, in milliseconds.
    latencies: [f64; 2],
}

fn main() -> Result<(), Box<dyn Error>> {
    let rounds = env::args().nth(1).map_or(Ok(ROUNDS), |text| text.parse())?;
    let url = env::var("TEST_POSTGRES_URL")?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    runtime.block_on(async {
        for algorithm in [Algorithm::Rs256, Algorithm::Es256] {
            let db = store::postgres(&url, "tower_jit_load").await?;
            measure(algorithm, db, rounds).await?;
        }
        Ok(())
    })
}

async fn measure(
    algorithm: Algorithm,
    db: DatabaseConnection,
    rounds: usize,
) -> Result<(), Box<dyn Error>> {
    let issuer = issuer(algorithm);
    let bearer = token(&issuer, 0).bearer();
    store::fill(&db, &subject(0)).await?;

    let users = SeaOrmProvisioner::new(db.clone());
    let remembered = CachedProvisioner::new(users.clone()).with_ttl(DAY);
    let forgetful = verifier(&issuer, algorithm).with_cache_capacity(0);
    let peer = tower_oauth2_resource_server(&issuer, AUDIENCE).await;
    let ours = Router::new().route("/", get(greet));
    let servers = [
        ("bare axum", Router::new().route("/", get(hello))),
        (
            "this crate, warm",
            ours.clone().layer(ProvisionLayer::new(
                verifier(&issuer, algorithm),
                remembered,
            )),
        ),
        (
            "this crate, cold: verified and read each time",
            ours.layer(ProvisionLayer::new(forgetful, users)),
        ),
        (
            "tower-oauth2-resource-server",
            Router::new().route("/", get(hello)).layer(peer.clone()),
        ),
        (
            "tower-oauth2-resource-server and a SELECT",
            Router::new()
                .route("/", get(find_and_greet))
                .layer(peer)
                .with_state(db),
        ),
    ];
    let mut rows = Vec::new();
    for (name, app) in servers {
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        let url = format!("http://{}/", listener.local_addr()?);
        tokio::spawn(async move { axum::serve(listener, app).await });
        // A warm-up round, whose result is discarded.
        ask(&url, &bearer).await?;
        let rounds = Vec::new();
        rows.push(Row { name, url, rounds });
    }
    for _ in 0..rounds {
        for row in &mut rows {
            row.rounds.push(ask(&row.url, &bearer).await?);
        }
    }
    print(algorithm, &rows);
    Ok(())
}

async fn hello() -> &'static str {
    "hello"
}

async fn greet(user: CurrentUser<User>) -> &'static str {
    black_box(&user.id);
    "hello"
}

async fn find_and_greet(
    State(db): State<DatabaseConnection>,
    Extension(claims): Extension<Claims>,
) -> Result<&'static str, StatusCode> {
    match store::find(&db, &claims.sub).await {
        Ok(true) => Ok("hello"),
        Ok(false) => Err(StatusCode::FORBIDDEN),
        Err(_) => Err(StatusCode::SERVICE_UNAVAILABLE),
    }
}

/// Runs wrk against a server for a while.
async fn ask(url: &str, bearer: &str) -> Result<Round, Box<dyn Error>> {
    let authorization = format!("Authorization: {bearer}");
    let output = Command::new("wrk")
        .args([
            "-t1",
            CONNECTIONS,
            SECONDS,
            "--latency",
            "-H",
            &authorization,
            url,
        ])
        .output()
        .await?;
    let report = String::from_utf8(output.stdout)?;
    if !output.status.success() || report.contains("Non-2xx") || report.contains("Socket errors") {
        return Err(io::Error::other(report).into());
    }
    let value = |name: &str| {
        let lines = report.lines().map(str::trim);
        let mut values = lines.filter_map(|line| line.strip_prefix(name));
        values
            .next()
            .map(str::trim)
            .ok_or("wrk printed no such value")
    };
    Ok(Round {
        requests_per_second: value("Requests/sec:")?.parse()?,
        latencies: [milliseconds(value("50%")?)?, milliseconds(value("99%")?)?],
    })
}

/// Parses wrk's durations: `243.00us`, `1.20ms`, `1.01s`.
fn milliseconds(text: &str) -> Result<f64, Box<dyn Error>> {
    let start = text.find(char::is_alphabetic).ok_or("no unit")?;
    let (number, unit) = text.split_at(start);
    let factor = match unit {
        "us" => 0.001,
        "ms" => 1.0,
        "s" => 1000.0,
        other => return Err(format!("{other} is no unit").into()),
    };
    Ok(number.parse::<f64>()? * factor)
}

fn print(algorithm: Algorithm, rows: &[Row]) {
    println!(
        "\n| {} | requests/s | p50 | p99 | of bare axum | warm in multiples of it |",
        algorithm.as_str()
    );
    println!("|---|---:|---:|---:|---:|---:|");
    let median = |mut values: Vec<f64>| {
        values.sort_by(f64::total_cmp);
        values[values.len() / 2]
    };
    let of = |row: &Row, value: fn(&Round) -> f64| median(row.rounds.iter().map(value).collect());
    let pairs = |one: &Row, other: &Row| {
        let pairs = one.rounds.iter().zip(&other.rounds);
        median(
            pairs
                .map(|(one, other)| one.requests_per_second / other.requests_per_second)
                .collect(),
        )
    };
    let [bare, warm, ..] = rows else { return };
    for row in rows {
        println!(
            "| {} | {:.0} | {:.2} ms | {:.2} ms | {:.3} | {:.2} |",
            row.name,
            of(row, |round| round.requests_per_second),
            of(row, |round| round.latencies[0]),
            of(row, |round| round.latencies[1]),
            pairs(row, bare),
            pairs(warm, row),
        );
    }
}
