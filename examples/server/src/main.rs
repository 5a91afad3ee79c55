//! The bundled server: a user service behind just-in-time provisioning.
//!
//! ```text
//! cargo run -p server
//! ```
//!
//! Without configuration it stores users in a SQLite file in the system's temp folder, listens on
//! 127.0.0.1:8000, starts a development issuer and prints two `curl` lines to try.
//! `server.example.toml` documents every setting. `--check` validates the settings and exits.
//! SIGHUP reloads issuers and policies. `server grant-admin <issuer> <subject>` makes the first
//! administrator.

#![expect(unreachable_pub, reason = "a binary has no public API")]

mod accounts;
mod admin;
mod administration;
mod app;
mod arguments;
mod config;
mod connections;
mod development;
mod issuers;
mod json;
mod local_issuer;
mod migrations;
mod openapi;
mod operator;
mod passwords;
mod problem;
mod profile;
mod proof;
mod registration;
mod retention;
mod store;
mod telemetry;

use std::{env, error::Error, process::ExitCode};

use tokio::{
    net::TcpListener,
    signal::unix::{Signal, SignalKind, signal},
};
use tower_jit_provisioning::JwtVerifier;

use crate::{
    app::App,
    arguments::{Arguments, Command},
    config::{Config, Sources},
    development::DevelopmentIssuer,
    issuers::{OwnIssuers, Reload},
    local_issuer::LocalIssuer,
    telemetry::Telemetry,
};

#[tokio::main]
async fn main() -> ExitCode {
    let result = match Arguments::parse(env::args_os().skip(1)) {
        Ok(arguments) => run(arguments).await,
        Err(usage) => Err(usage.into()),
    };
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::FAILURE
        }
    }
}

async fn run(arguments: Arguments) -> Result<(), Box<dyn Error + Send + Sync>> {
    let sources = arguments.sources;
    match arguments.command {
        Command::Check => {
            Config::read(&sources)?;
            println!("the configuration is usable");
            Ok(())
        }
        Command::GrantAdmin { issuer, subject } => {
            let db = store::connect(&Config::read_database_url(&sources)?).await?;
            let users = store::provisioner(db);
            println!("{}", admin::grant(&users, &issuer, &subject).await?);
            Ok(())
        }
        Command::Help => {
            print!("{}", arguments::help());
            Ok(())
        }
        Command::Serve => serve(sources).await,
    }
}

async fn serve(sources: Sources) -> Result<(), Box<dyn Error + Send + Sync>> {
    let hangup = signal(SignalKind::hangup())?;
    let config = Config::read(&sources)?;
    let telemetry = Telemetry::start(&config)?;
    let served = serve_with(&telemetry, sources, config, hangup).await;
    telemetry.finish().await;
    served
}

async fn serve_with(
    telemetry: &Telemetry,
    sources: Sources,
    config: Config,
    hangup: Signal,
) -> Result<(), Box<dyn Error + Send + Sync>> {
    let db = store::connect(&config.database_url).await?;
    let users = store::users(db.clone(), &config).await?;
    let listener = TcpListener::bind(config.listen).await?;
    let address = listener.local_addr()?;
    let start = || DevelopmentIssuer::start(address.port());
    let own = OwnIssuers {
        local: LocalIssuer::new(config.local_secret.as_deref()),
        development: config.is_development.then(start),
    };
    let verifier = JwtVerifier::from_config(own.with_configured(&config)?)?;
    // Rejects a configuration under which known users would be created again.
    users.provisioner().check_issuers(&verifier).await?;
    if let Some(days) = config.audit_days {
        tokio::spawn(retention::forget_events(users.clone(), days));
    }
    let head_timeout = config.head_timeout;
    let app = App::new(
        db,
        users.clone(),
        verifier.clone(),
        own.clone(),
        telemetry,
        &config,
    );
    let development = own.development.clone();
    let reload = Reload {
        sources,
        running: config,
        own,
        verifier,
        users,
    };
    tokio::spawn(reload.with_every(hangup));

    println!("listening on http://{address}");
    if let Some(issuer) = &development {
        issuer.print_curl_lines(address.port());
    }
    connections::serve(listener, app.router(), head_timeout, stopped()).await;
    tracing::info!("stopped");
    Ok(())
}

/// Waits for SIGTERM or SIGINT.
async fn stopped() {
    let mut terminate = signal(SignalKind::terminate()).expect("the SIGTERM handler is installed");
    let mut interrupt = signal(SignalKind::interrupt()).expect("the SIGINT handler is installed");
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
}
