//! A minimal axum service with provisioned users.
//!
//! ```text
//! cargo run -p axum_minimal
//! ```
//!
//! Users are kept in memory, and tokens come from a test issuer in this process. A real service
//! uses `TrustedIssuer::discover` and `SeaOrmProvisioner` instead.

use std::{env, error::Error};

use axum::{Json, Router, routing::get};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower_jit_provisioning::{
    CurrentUser, Identity, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer,
    testing::TestIssuer,
};

async fn me(user: CurrentUser<MemoryUser>, identity: Identity) -> Json<Value> {
    Json(json!({
        "id": user.id,
        "name": user.full_name,
        "outcome": user.outcome().as_str(),
        "subject": identity.subject(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")])?;
    let layer = ProvisionLayer::new(verifier, MemoryProvisioner::new());
    let app = Router::new()
        .route("/me", get(me))
        .layer(layer)
        .route("/health", get(async || "healthy"));

    let address = env::var("LISTEN").unwrap_or("127.0.0.1:3000".to_owned());
    let listener = TcpListener::bind(address).await?;
    let base = format!("http://{}", listener.local_addr()?);
    let token = issuer
        .token("ana")
        .audience("orders-api")
        .claim("name", "Ana Diaz")
        .sign();
    println!("listening on {base}\n");
    println!("# created with the first request, found with the second");
    println!("curl -H 'Authorization: Bearer {token}' {base}/me\n");
    println!("# refused: a problem document, and a challenge among the headers");
    println!("curl -i {base}/me\n");
    println!("# outside of the layer");
    println!("curl {base}/health");
    Ok(axum::serve(listener, app).await?)
}
