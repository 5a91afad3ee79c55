//! The life of some users, step by step, with real requests: an issuer, a service behind the layer, a
//! client.
//!
//! ```text
//! cargo run -p demo
//! ```
//!
//! It takes a few seconds and needs nothing. Every step says what it expects; the table at the end
//! compares, and the exit code is not 0 if any step was answered differently.

mod client;
mod service;
mod story;
mod table;

use std::{error::Error, process::ExitCode};

use tower_jit_provisioning::testing::TestIssuer;

use crate::{client::Client, service::Service, story::Story};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let issuer = TestIssuer::serve();
    let service = Service::start(&issuer).await?;
    println!("issuer   {}\nservice  {}", issuer.name(), service.base);
    let client = Client::new(service.base.clone());
    let table = Story::new(issuer, service, client).tell().await?;
    println!("\n{table}");
    Ok(match table.unexpected() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
