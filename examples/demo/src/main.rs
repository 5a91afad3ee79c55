//! A demonstration with real requests, step by step: an issuer, a service behind the layer, and a
//! client.
//!
//! ```text
//! cargo run -p demo
//! ```
//!
//! It takes a few seconds and has no prerequisites. Every step prints the response and whether it
//! is as expected. The table at the end compares them, and the exit code is non-zero if any
//! response differs.

mod client;
mod scenario;
mod service;
mod table;

use std::{error::Error, process::ExitCode};

use tower_jit_provisioning::testing::TestIssuer;

use crate::{client::Client, scenario::Scenario, service::Service};

#[tokio::main]
async fn main() -> Result<ExitCode, Box<dyn Error>> {
    let issuer = TestIssuer::serve();
    let service = Service::start(&issuer).await?;
    println!("issuer   {}\nservice  {}", issuer.name(), service.base);
    let client = Client::new(service.base.clone());
    let table = Scenario::new(issuer, service, client).run().await?;
    println!("\n{table}");
    Ok(match table.unexpected() {
        0 => ExitCode::SUCCESS,
        _ => ExitCode::FAILURE,
    })
}
