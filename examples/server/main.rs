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
mod app;
mod config;
mod development;
mod json;
mod local_issuer;
mod migrations;
mod passwords;
mod problem;
mod profile;
mod registration;

use std::{
    error::Error,
    fs::OpenOptions,
    io::{IsTerminal, stderr},
    os::unix::fs::OpenOptionsExt,
    process::ExitCode,
    time::Duration,
};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    time::sleep,
};
use tower_jit_provisioning::sea_orm::migration::run_migrator;
use tracing_subscriber::{EnvFilter, fmt, layer::SubscriberExt, util::SubscriberInitExt};

use crate::{app::App, config::Config, development::DevelopmentIssuer, migrations::Migrator};

/// How long requests under way may take after SIGTERM: longer than any answer, and no longer for a
/// client that never finishes its request.
const GRACE: Duration = Duration::from_secs(12);

#[tokio::main]
async fn main() -> ExitCode {
    let filter = EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| "info,sea_orm_migration=warn,sqlx=warn".into());
    tracing_subscriber::registry()
        .with(filter)
        .with(
            fmt::layer()
                .with_ansi(stderr().is_terminal())
                .with_writer(stderr),
        )
        .init();
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let result = match arguments.as_slice() {
        [] => serve().await,
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

async fn serve() -> Result<(), Box<dyn Error>> {
    let config = Config::from_environment()?;
    let db = connect(&config.database_url).await?;
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let development = config
        .issuer
        .is_none()
        .then(|| DevelopmentIssuer::start(address.port()));
    let app = App::new(&config, db, development.clone())?;
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
    let db = connect(&config::database_url()?).await?;
    let granted = admin::grant(&db, issuer, subject).await?;
    println!("{granted}");
    Ok(())
}

/// Creates a SQLite file that nobody else may read: it holds password hashes.
fn create_privately(url: &str) {
    let path = url
        .strip_prefix("sqlite://")
        .and_then(|rest| rest.strip_suffix("?mode=rwc"));
    if let Some(path) = path {
        let mut options = OpenOptions::new();
        // If it is there already, or cannot be made, opening it as a database says so.
        let _ = options.write(true).create_new(true).mode(0o600).open(path);
    }
}

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    create_privately(url);
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(16)
        .acquire_timeout(Duration::from_secs(2))
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|sqlite| {
            sqlite
                .pragma("journal_mode", "WAL")
                .pragma("synchronous", "NORMAL")
                .busy_timeout(Duration::from_secs(2))
        });
    let db = Database::connect(options).await?;
    run_migrator::<Migrator>(&db).await?;
    Ok(db)
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
