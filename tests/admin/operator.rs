//! What an operator does all day.

use http::Method;
use sea_orm::{ColumnTrait, Database, EntityTrait, QueryFilter, sea_query::Expr};
use serde_json::json;
use tokio::time::timeout;
use tower_jit_provisioning::sea_orm::entity::users;

use crate::{PATIENCE, Scene};

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
    // A token states the second in which it was issued.
    let fresh = timeout(PATIENCE, async {
        while scene.me(&scene.token_named("ana", "Ana Diaz").await).await != 200 {}
    });
    fresh.await.expect("a fresh token is let in");
}

pub(crate) async fn a_pending_user_is_approved(scene: Scene) {
    let (browser, server) = (&scene.browser, &scene.server);
    let administrator = scene.sign_in().await;
    let import = json!({"action": "import", "records": [{
        "email": "pia@example.com", "full_name": "Pia Berg", "subject": "pia",
        "issuer": format!("{}/dev-issuer", server.base),
    }]});
    let imported = server
        .send(
            Method::POST,
            "/api/v1/users/bulk",
            Some(&administrator),
            Some(import.to_string().into_bytes()),
        )
        .await;
    assert_eq!(imported.body["changed"], 1, "{imported:?}");
    // As a sign-up that asks for approval leaves her.
    let db = Database::connect(&server.database).await.unwrap();
    let pending = users::Entity::update_many()
        .col_expr(users::Column::Status, Expr::value("pending"))
        .filter(users::Column::FullName.eq("Pia Berg"))
        .exec(&db)
        .await
        .unwrap();
    assert_eq!(pending.rows_affected, 1);
    let pia = scene.token_named("pia", "Pia Berg").await;
    server
        .get("/api/v1/users/me", Some(&pia))
        .await
        .is_problem(403, "pending_approval");

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

    // What an issuer states, and the last administrator, are not the page's to take.
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
