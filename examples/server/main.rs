//! The bundled server: a user service behind just-in-time provisioning.
//!
//! ```text
//! cargo run --all-features --example server
//! ```
//!
//! Without configuration it keeps its users in a SQLite file in the system's temp folder, listens on
//! 127.0.0.1:8000, starts a development issuer and prints two `curl` lines to try. `config.rs` has
//! every setting. `server grant-admin <issuer> <subject>` makes the first administrator.

#![expect(
    unreachable_pub,
    reason = "nothing lies outside of a program's modules"
)]

mod accounts;
mod admin;
mod administration;
mod app;
mod config;
mod development;
mod json;
mod local_issuer;
mod migrations;
mod operator;
mod passwords;
mod problem;
mod profile;
mod registration;
mod store;

use std::{
    error::Error,
    io::{IsTerminal, stderr},
    process::ExitCode,
    time::Duration,
};

use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tracing_subscriber::{EnvFilter, Layer, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{
    app::App, config::Config, development::DevelopmentIssuer, operator::statistics::Statistics,
};

/// How long requests under way may take after SIGTERM: longer than any answer, and no longer for a
/// client that never finishes its request.
const GRACE: Duration = Duration::from_secs(12);

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sea_orm_migration=warn,sqlx=warn".into());
    let log = fmt::layer()
        .with_ansi(stderr().is_terminal())
        .with_writer(stderr);
    let statistics = Statistics::new();
    tracing_subscriber::registry()
        .with(log.with_filter(filter))
        .with(statistics.layer())
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => serve(statistics).await,
        ["grant-admin", issuer, subject] => grant_admin(issuer, subject).await,
        _ => Err("usage: server [grant-admin <issuer> <subject>]".into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn serve(statistics: Statistics) -> Result<(), Box<dyn Error>> {
    let config = Config::from_environment()?;
    let db = store::connect(&config.database_url).await?;
    let users = store::users(db.clone(), &config.database_url, config.user_cache).await?;
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let development = config
        .issuer
        .is_none()
        .then(|| DevelopmentIssuer::start(address.port()));
    let app = App::new(&config, db, users, development.clone(), statistics)?;
    app.check_issuers().await?;

    println!("listening on http://{address}");
    if let Some(issuer) = &development {
        issuer.print_invitation(address.port());
    }
    let serving = axum::serve(listener, app.router()).with_graceful_shutdown(stopped());
    tokio::select! {
        served = serving => served?,
        () = async { stopped().await; sleep(GRACE).await } => {
            tracing::warn!("connections that did not end were cut");
        }
    }
    tracing::info!("stopped");
    Ok(())
}

async fn grant_admin(issuer: &str, subject: &str) -> Result<(), Box<dyn Error>> {
    let db = store::connect(&config::database_url()?).await?;
    let granted = admin::grant(&store::provisioner(db), issuer, subject).await?;
    println!("{granted}");
    Ok(())
}

/// Waits for SIGTERM or SIGINT; requests under way are finished.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("SIGTERM can be watched");
    let mut interrupt = signal(SignalKind::interrupt()).expect("SIGINT can be watched");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
