//! An operator's common tasks.

use std::fs;

use serde_json::json;
use tempfile::TempDir;
use tokio::time::timeout;
use tower_jit_provisioning::testing::TestIssuer;

use crate::{PATIENCE, Scene, common::Server};

pub(crate) async fn a_user_is_watched_and_deactivated(scene: Scene) {
    let browser = &scene.browser;
    scene.sign_in().await;
    browser.shows("#users-count", "1 user").await;

    let ana = scene.token_named("ana", "Ana Diaz").await;
    assert_eq!(scene.me(&ana).await, 200);
    browser.shows("#users", "Ana Diaz").await;

    browser.click_on("Ana Diaz").await;
    browser.shows("#user-title", "Ana Diaz").await;
    browser.click_on("Deactivate").await;
    browser.shows("#dialog", "Ana Diaz").await;
    browser.enter("#dialog-reason", "left the company").await;
    browser.click("#dialog-confirm").await;
    browser.shows("#user-status", "deactivated").await;
    let refused = scene.server.get("/api/v1/users/me", Some(&ana)).await;
    refused.is_problem(403, "deactivated");
    browser.shows("#user-history", "left the company").await;
    browser.shows("#user-history", "by user").await;

    browser.click_on("Reactivate").await;
    browser.click("#dialog-confirm").await;
    browser.shows("#user-status", "active").await;
    browser
        .until("!document.querySelector('#user-status').innerText.includes('deactivated')")
        .await;
    let stale = scene.server.get("/api/v1/users/me", Some(&ana)).await;
    stale.is_problem(401, "invalid_token");
    // Tokens state their issue time in whole seconds, so a fresh token needs a later second.
    let fresh = timeout(PATIENCE, async {
        while scene.me(&scene.token_named("ana", "Ana Diaz").await).await != 200 {}
    });
    fresh.await.expect("a fresh token is accepted in time");
}

/// Staff are active at once, guests need approval.
pub(crate) async fn a_pending_user_is_approved(mut scene: Scene) {
    let folder = TempDir::new().unwrap();
    let (staff, guests) = (
        TestIssuer::new("https://staff.example.com"),
        TestIssuer::new("https://guests.example.com"),
    );
    let table = |name: &str, issuer: &TestIssuer, policy: &str| {
        let keys = folder.path().join(name);
        fs::write(&keys, issuer.jwks().to_string()).unwrap();
        let (issuer, keys) = (issuer.name(), keys.display());
        format!(
            "[issuers.{name}]\nissuer = \"{issuer}\"\naudience = \"orders\"\n\
             jwks_file = \"{keys}\"\n{policy}\n"
        )
    };
    let policies = [
        "role_claims = \"/roles\"\nroles = { admin = \"admin\" }",
        "sign_up = \"pending_approval\"",
    ];
    let config = folder.path().join("server.toml");
    let tables = table("staff", &staff, policies[0]) + &table("guests", &guests, policies[1]);
    fs::write(&config, tables).unwrap();
    scene.server = Server::start_with(&[("CONFIG", &config.display().to_string())]);
    let (browser, server) = (&scene.browser, &scene.server);
    let named = |issuer: &TestIssuer, subject: &str, name: &str| {
        let token = issuer.token(subject).audience("orders").claim("name", name);
        token.claim("roles", vec!["admin"]).sign()
    };
    scene
        .sign_in_with(&named(&staff, "ruth", "Ruth Okafor"))
        .await;
    let pia = named(&guests, "pia", "Pia Berg");
    for _ in 0..2 {
        server
            .get("/api/v1/users/me", Some(&pia))
            .await
            .is_problem(403, "pending_approval");
    }

    browser
        .run("document.querySelector('#status').focus()")
        .await;
    browser.types("Pending").await;
    browser.shows("#users-count", "1 user").await;
    browser.click_on("Pia Berg").await;
    browser.shows("#user-status", "pending").await;
    browser.click_on("Approve").await;
    browser.shows("#user-status", "active").await;
    browser.shows("#done", "Pia Berg was approved").await;
    browser.shows("#user-history", "approved").await;
    assert_eq!(scene.me(&pia).await, 200);
}

pub(crate) async fn roles_are_granted_and_taken_back(scene: Scene) {
    let (browser, server) = (&scene.browser, &scene.server);
    let ana = scene.token_named("ana", "Ana Diaz").await;
    assert_eq!(scene.me(&ana).await, 200);
    scene.sign_in().await;
    browser.click_on("Ana Diaz").await;
    browser.shows("#user-title", "Ana Diaz").await;
    browser.enter("#grant-role", "editor").await;
    browser.click("#grant button").await;
    browser.shows("#user-grants", "editor").await;
    let granted = server.get("/api/v1/users/me", Some(&ana)).await;
    assert_eq!(granted.body["roles"], json!(["editor"]));

    browser.click_on("Take back").await;
    browser.click("#dialog-confirm").await;
    browser.shows("#user-grants", "None.").await;
    let taken = server.get("/api/v1/users/me", Some(&ana)).await;
    assert_eq!(taken.body["roles"], json!([]));

    // The page offers no revocation for roles granted by an issuer or for the last administrator.
    browser.click_on("Users").await;
    browser.click_on("Ruth Okafor").await;
    browser.shows("#user-grants", "stated by").await;
    assert!(!browser.text("#user-grants").await.contains("Take back"));
    browser.click_on("Deactivate").await;
    browser.click("#dialog-confirm").await;
    browser
        .until("!document.querySelector('#notice').hidden")
        .await;
    browser.shows("#user-status", "active").await;
}
