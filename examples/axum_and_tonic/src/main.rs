//! HTTP and gRPC on one port, behind one layer and with the same users.
//!
//! ```text
//! cargo run -p axum_and_tonic
//! ```
//!
//! The layer distinguishes the protocols by content type: for the same invalid token, `curl` gets a
//! problem document with a challenge, and a gRPC client gets a status.

use std::{env, error::Error};

use axum::{Json, routing::get};
use greeter::{Greeter, greeter_server::GreeterServer};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tonic::service::Routes;
use tower_jit_provisioning::{
    CurrentUser, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer, testing::TestIssuer,
};

async fn me(user: CurrentUser<MemoryUser>) -> Json<Value> {
    Json(json!({"id": user.id, "outcome": user.outcome().as_str()}))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")])?;
    let app = Routes::new(GreeterServer::new(Greeter))
        .into_axum_router()
        .route("/me", get(me))
        .layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()));

    let address = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let token = issuer.token("ana").audience("orders-api").sign();
    println!("listening on {base}\n");
    println!("# the user is created on the one");
    println!("curl -H 'Authorization: Bearer {token}' {base}/me\n");
    println!("# and found on the other; its `count` streams");
    println!("cargo run -p tonic_server -- {base} {token}");
    Ok(axum::serve(listener, app).await?)
}
