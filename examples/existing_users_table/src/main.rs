//! Adds an issuer's users to an application that has its own table of password users.
//!
//! `cargo run -p existing_users_table` prints `curl` lines to try. With `-- --once`, it sends the
//! requests itself and prints the responses.

mod accounts;
mod mapping;
mod migrations;

use std::{env, error::Error};

use axum::{Json, Router, body::Body, http::Request, routing::get};
use http_body_util::BodyExt;
use sea_orm::{ConnectionTrait, Database};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_jit_provisioning::{
    CurrentUser, IssuerPolicy, JwtVerifier, Linking, ProvisionLayer, SignUp,
    policy::Rule,
    sea_orm::{SeaOrmProvisioner, migration},
    testing::TestIssuer,
};

use self::{
    mapping::Accounts,
    migrations::{BEFORE, Migrator},
};

async fn me(account: CurrentUser<accounts::Model>) -> Json<Value> {
    Json(json!({
        "id": account.id,
        "email": account.email,
        "has_password": account.hashed_password.is_some(),
        "outcome": account.outcome().as_str(),
    }))
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let folder = tempfile::tempdir()?;
    let file = folder.path().join("application.sqlite");
    let db = Database::connect(format!("sqlite://{}?mode=rwc", file.display())).await?;
    db.execute_unprepared(BEFORE).await?;
    migration::run_migrator::<Migrator>(&db).await?;

    // The `email` column is required, so the token must have a verified address.
    let has_address = Rule::new("has-address", |identity| identity.vouched_email().is_some());
    let policy = IssuerPolicy::new()
        .with_sign_up(SignUp::When(has_address))
        .with_linking(Linking::VerifiedEmail);
    let issuer = TestIssuer::serve();
    let verifier = JwtVerifier::new([issuer.trusted("shop").with_policy(policy)])?;
    let layer = ProvisionLayer::new(verifier, SeaOrmProvisioner::with_mapping(db, Accounts));
    let app = Router::new().route("/me", get(me)).layer(layer);

    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let url = format!("http://{}", listener.local_addr()?);
    println!("listening on {url}");
    let runs_once = env::args().any(|argument| argument == "--once");
    for (subject, is_vouched, what) in [
        ("ana", true, "linked: both sides verified the address"),
        ("bo", true, "refused: the address is not verified here"),
        (
            "cy",
            true,
            "created without a password, and found after that",
        ),
        ("di", false, "refused: the token has no verified address"),
    ] {
        let token = issuer.token(subject).audience("shop");
        let bearer = token
            .email(&format!("{subject}@example.com"), is_vouched)
            .bearer();
        if !runs_once {
            println!("\n# {what}\ncurl -i -H 'authorization: {bearer}' {url}/me");
            continue;
        }
        let request = Request::get("/me").header("authorization", bearer);
        let response = app.clone().oneshot(request.body(Body::empty())?).await?;
        let status = response.status();
        let body = response.into_body().collect().await?.to_bytes();
        println!("{subject}: {status} {}", String::from_utf8_lossy(&body));
    }
    match runs_once {
        true => Ok(()),
        false => Ok(axum::serve(listener, app).await?),
    }
}
