//! Operations on one user.

use http::Method;
use serde_json::{Value, json};

use super::{act, admin, id_of, kinds};
use crate::common::Server;

#[tokio::test]
async fn a_deactivated_user_is_rejected_at_once_and_needs_a_fresh_token_after_reactivation() {
    let server = Server::start();
    let (root, ana) = (
        admin(&server, "root").await,
        server.token_for("ana", "ana@example.com").await,
    );
    let (root_id, id) = (id_of(&server, &root).await, id_of(&server, &ana).await);
    let path = format!("/api/v1/users/{id}/deactivate");
    let reason = json!({"reason": "left the company"});
    let deactivated = act(&server, &root, &Method::POST, &path, Some(&reason)).await;
    assert_eq!(deactivated.status, 200, "{deactivated:?}");
    assert_eq!(deactivated.body["status"], "deactivated");
    assert_eq!(deactivated.body["status_source"], root_id.as_str());
    assert_eq!(deactivated.body["status_reason"], "left the company");
    server
        .get("/api/v1/users/me", Some(&ana))
        .await
        .is_problem(403, "deactivated");
    // A repeated deactivation changes nothing and is not an error.
    let again = act(&server, &root, &Method::POST, &path, None).await;
    assert_eq!(
        (again.status, &again.body["status_reason"]),
        (200, &json!("left the company"))
    );

    let path = format!("/api/v1/users/{id}/reactivate");
    let active = act(&server, &root, &Method::POST, &path, None).await;
    assert_eq!(
        (active.status, &active.body["status"]),
        (200, &json!("active")),
        "{active:?}"
    );
    server
        .get("/api/v1/users/me", Some(&ana))
        .await
        .is_problem(401, "invalid_token");

    let audit = server
        .get(&format!("/api/v1/audit?user={id}"), Some(&root))
        .await;
    assert_eq!(kinds(&audit).last(), Some(&"created"), "{audit:?}");
    let deactivation = server
        .get(
            &format!("/api/v1/audit?kind=deactivated&actor={root_id}"),
            Some(&root),
        )
        .await;
    let [event] = deactivation.body["items"].as_array().unwrap().as_slice() else {
        panic!("one event for one change: {deactivation:?}");
    };
    assert_eq!(event["user"], id.as_str());
    assert_eq!(event["actor"], root_id.as_str());
    assert_eq!(event["detail"], "left the company");
}

#[tokio::test]
async fn a_user_is_returned_with_identities_grants_and_their_sources() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let id = id_of(&server, &root).await;
    let path = format!("/api/v1/users/{id}/roles/admin");
    let granted = act(&server, &root, &Method::PUT, &path, None).await;
    assert_eq!(granted.status, 200, "{granted:?}");
    let user = server
        .get(&format!("/api/v1/users/{id}"), Some(&root))
        .await;
    let [identity] = user.body["identities"].as_array().unwrap().as_slice() else {
        panic!("{user:?}");
    };
    assert_eq!(identity["subject"], "root");
    assert_eq!(identity["kind"], "human");
    let grants = user.body["grants"].as_array().unwrap();
    let mut sources: Vec<_> = grants
        .iter()
        .map(|grant| grant["source"].as_str().unwrap())
        .collect();
    sources.sort_unstable();
    let issuer = format!("{}/dev-issuer", server.base);
    assert_eq!(sources, [issuer.as_str(), "manual"], "{user:?}");
    assert_eq!(user.body["roles"], json!(["admin"]));
    let audit = server
        .get("/api/v1/audit?kind=role_granted", Some(&root))
        .await;
    assert_eq!(audit.body["items"][0]["detail"], "admin");
}

#[tokio::test]
async fn a_patch_sets_named_attributes_clears_null_ones_and_survives_the_next_token() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let claims = json!({"subject": "ana", "name": "Ana Diaz", "email": "ana@example.com", "email_verified": true});
    let ana = server.token(claims).await;
    let path = format!("/api/v1/users/{}", id_of(&server, &ana).await);
    let patch = json!({"full_name": "Ana D.", "username": "ana"});
    let patched = act(&server, &root, &Method::PATCH, &path, Some(&patch)).await;
    assert_eq!(patched.status, 200, "{patched:?}");
    assert_eq!(patched.body["full_name"], "Ana D.");
    assert_eq!(patched.body["email"], "ana@example.com");
    assert_eq!(patched.body["email_is_verified"], true);
    assert_eq!(
        patched.body["local_attributes"],
        json!(["full_name", "username"])
    );
    let patch = json!({"username": null, "email": "other@example.com"});
    let patched = act(&server, &root, &Method::PATCH, &path, Some(&patch)).await;
    assert_eq!(patched.body["username"], Value::Null);
    assert_eq!(
        patched.body["email_is_verified"], false,
        "the new address is unverified"
    );

    let newer = json!({"subject": "ana", "name": "Ana Diaz-Lind"});
    let newer = server.token(newer).await;
    let me = server.get("/api/v1/users/me", Some(&newer)).await;
    assert_eq!(me.body["full_name"], "Ana D.");
}

#[tokio::test]
async fn deleting_a_user_keeps_an_empty_row_that_rejects_tokens_and_frees_the_address() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let sign_up =
        json!({"email": "bob@example.com", "password": "correct horse", "full_name": "Bob"});
    let bob = server.post("/api/v1/users/", &sign_up).await.text("id");
    server
        .post("/api/v1/users/", &sign_up)
        .await
        .is_problem(409, "address_taken");
    let ana = server.token_for("ana", "ana@example.com").await;
    let ana_id = id_of(&server, &ana).await;
    for (id, query) in [(&bob, "?reason=asked"), (&ana_id, "?erase=true")] {
        let path = format!("/api/v1/users/{id}{query}");
        let deleted = act(&server, &root, &Method::DELETE, &path, None).await;
        assert_eq!(deleted.status, 204, "{deleted:?}");
        let left = server
            .get(&format!("/api/v1/users/{id}"), Some(&root))
            .await;
        assert_eq!(left.body["status"], "deleted", "{left:?}");
        assert_eq!(left.body["email"], Value::Null);
    }
    let erased = server
        .get(&format!("/api/v1/users/{ana_id}"), Some(&root))
        .await;
    assert_eq!(erased.body["identities"][0]["subject"], "");
    server
        .get("/api/v1/users/me", Some(&ana))
        .await
        .is_problem(403, "deleted");
    let again = server.post("/api/v1/users/", &sign_up).await;
    assert_eq!(again.status, 201, "the address is free: {again:?}");
    let patch = json!({"full_name": "Bob"});
    let path = format!("/api/v1/users/{bob}");
    act(&server, &root, &Method::PATCH, &path, Some(&patch))
        .await
        .is_problem(409, "deleted");
}
