//! Password users: sign-up, verified addresses, login, and linking to an issuer's identity.

use std::{pin::pin, time::Duration};

use sea_orm::{EntityTrait, TransactionTrait, sea_query::Expr};
use serde_json::{Value, json};
use tokio::time::timeout;
use tower_jit_provisioning::sea_orm::entity::{user_events, users};

use crate::common::{Answer, Server};

const PASSWORD: &str = "correct horse battery";

fn sign_up(address: &str) -> Value {
    json!({"email": address, "password": PASSWORD, "full_name": "Bob"})
}

async fn log_in(server: &Server, address: &str, password: &str) -> Answer {
    let login = json!({"email": address, "password": password});
    server.post("/api/v1/login", &login).await
}

async fn prove(server: &Server, address: &str) -> Answer {
    let token = server.mailed_token(address);
    server
        .post("/api/v1/users/verify-email", &json!({"token": token}))
        .await
}

#[tokio::test]
async fn a_password_user_signs_up_and_logs_in() {
    let server = Server::start();
    let created = server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    assert_eq!(created.status, 201, "{created:?}");
    assert!(!created.body.to_string().contains("argon2"), "{created:?}");
    assert!(created.body.get("hashed_password").is_none());
    let login = log_in(&server, "BOB@example.com", PASSWORD).await;
    assert_eq!(
        (login.status, login.body["expires_in"].as_u64()),
        (200, Some(900)),
        "{login:?}"
    );
    let me = server
        .get("/api/v1/users/me", Some(&login.text("access_token")))
        .await;
    assert_eq!(
        (me.status, &me.body["id"]),
        (200, &created.body["id"]),
        "{me:?}"
    );
    assert_eq!(me.body["outcome"], "found");
}

#[tokio::test]
async fn an_address_signs_up_once_in_any_case_form() {
    let server = Server::start();
    assert_eq!(
        server
            .post("/api/v1/users/", &sign_up("bob@example.com"))
            .await
            .status,
        201
    );
    for address in ["bob@example.com", "BOB@EXAMPLE.COM", "bob@Example.com"] {
        let again = server.post("/api/v1/users/", &sign_up(address)).await;
        again.is_problem(409, "address_taken");
    }
    let other = server
        .post("/api/v1/users/", &sign_up("b.ob@example.com"))
        .await;
    assert_eq!(other.status, 201);
}

#[tokio::test]
async fn a_wrong_password_and_an_unknown_address_get_the_same_response_and_attempts_are_limited() {
    let server = Server::start();
    server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    let wrong = log_in(&server, "bob@example.com", "incorrect horse").await;
    let unknown = log_in(&server, "nobody@example.com", "incorrect horse").await;
    wrong.is_problem(401, "invalid_credentials");
    assert_eq!(wrong.body, unknown.body);
    assert_eq!(wrong.challenge, unknown.challenge);
    for address in ["bob@example.com", "nobody@example.com"] {
        for _ in 0..4 {
            log_in(&server, address, "incorrect horse").await;
        }
        let limited = log_in(&server, address, PASSWORD).await;
        limited.is_problem(429, "too_many_tries");
        assert!(limited.retry_after.is_some());
    }
}

#[tokio::test]
async fn bad_sign_ups_and_logins_are_refused() {
    let server = Server::start();
    for (email, password, name) in [
        ("", PASSWORD, "Bob"),
        ("bob", PASSWORD, "Bob"),
        ("bob@", PASSWORD, "Bob"),
        ("bob@a@example.com", PASSWORD, "Bob"),
        ("bob@example.com\u{0}", PASSWORD, "Bob"),
        ("bob@example.com", "short", "Bob"),
        ("bob@example.com", &"x".repeat(257), "Bob"),
        ("bob@example.com", PASSWORD, ""),
        ("bob@example.com", PASSWORD, "B\u{0}b"),
    ] {
        let body = json!({"email": email, "password": password, "full_name": name});
        server
            .post("/api/v1/users/", &body)
            .await
            .is_problem(400, "invalid_input");
    }
    for body in [
        json!({}),
        json!({"email": 5, "password": PASSWORD}),
        json!({"email": ["bob@example.com"], "password": PASSWORD}),
        json!({"email": "bob@example.com", "password": null}),
    ] {
        server
            .post("/api/v1/login", &body)
            .await
            .is_problem(422, "invalid_input");
        server
            .post("/api/v1/users/", &body)
            .await
            .is_problem(422, "invalid_input");
    }
    for token in ["", "x", &"f".repeat(64)] {
        let body = json!({"token": token});
        let answer = server.post("/api/v1/users/verify-email", &body).await;
        answer.is_problem(400, "invalid_proof");
    }
}

#[tokio::test]
async fn a_verified_address_links_and_keeps_id_and_password() {
    let server = Server::start();
    let created = server
        .post("/api/v1/users/", &sign_up("Bob@example.com"))
        .await;
    let proof = prove(&server, "Bob@example.com").await;
    assert_eq!(
        (proof.status, &proof.body["email_verified"]),
        (200, &json!(true)),
        "{proof:?}"
    );

    let token = server.token_for("idp-bob", "bob@EXAMPLE.com").await;
    let linked = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(linked.body["outcome"], "linked", "{linked:?}");
    assert_eq!(linked.body["id"], created.body["id"]);
    let found = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(
        (&found.body["outcome"], &found.body["id"]),
        (&json!("found"), &created.body["id"])
    );
    assert_eq!(
        log_in(&server, "bob@example.com", PASSWORD).await.status,
        200
    );
}

#[tokio::test]
async fn an_unverified_address_does_not_link() {
    let server = Server::start();
    let created = server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    prove(&server, "bob@example.com").await;
    let claims = json!({"subject": "eve", "email": "bob@example.com", "email_verified": false});
    let token = server.token(claims).await;
    let eve = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(eve.body["outcome"], "created", "{eve:?}");
    assert_ne!(eve.body["id"], created.body["id"]);
}

#[tokio::test]
async fn an_unverified_sign_up_does_not_block_the_address_and_cannot_be_verified_later() {
    let server = Server::start();
    let squatter = server
        .post("/api/v1/users/", &sign_up("victim@example.com"))
        .await;
    let token = server.token_for("victim", "victim@example.com").await;
    let victim = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(victim.body["outcome"], "created", "{victim:?}");
    assert_ne!(victim.body["id"], squatter.body["id"]);

    let proof = prove(&server, "victim@example.com").await;
    proof.is_problem(409, "conflict");
    let login = log_in(&server, "victim@example.com", PASSWORD).await;
    let me = server
        .get("/api/v1/users/me", Some(&login.text("access_token")))
        .await;
    assert_eq!(
        me.body["id"], squatter.body["id"],
        "the sign-up's user is unchanged"
    );
    let again = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(
        (&again.body["id"], &again.body["outcome"]),
        (&victim.body["id"], &json!("found"))
    );
}

#[tokio::test]
async fn with_linking_off_a_taken_address_is_a_conflict_and_nothing_changes() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("LINKING", "never")]);
    let created = server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    prove(&server, "bob@example.com").await;
    let token = server.token_for("idp-bob", "bob@example.com").await;
    for _ in 0..2 {
        let refused = server.get("/api/v1/users/me", Some(&token)).await;
        refused.is_problem(403, "conflict");
        assert_eq!(refused.challenge, None);
    }
    let root = server
        .token(json!({"subject": "root", "roles": ["admin"]}))
        .await;
    let all = server.get("/api/v1/users/", Some(&root)).await;
    assert_eq!(
        all.body["items"].as_array().map(Vec::len),
        Some(2),
        "{all:?}"
    );
    let login = log_in(&server, "bob@example.com", PASSWORD).await;
    let me = server
        .get("/api/v1/users/me", Some(&login.text("access_token")))
        .await;
    assert_eq!(me.body["id"], created.body["id"]);
}

#[tokio::test]
async fn a_mailed_token_works_once() {
    let server = Server::start();
    server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    let body = json!({"token": server.mailed_token("bob@example.com")});
    assert_eq!(
        server
            .post("/api/v1/users/verify-email", &body)
            .await
            .status,
        200
    );
    let again = server.post("/api/v1/users/verify-email", &body).await;
    again.is_problem(400, "invalid_proof");
}

#[tokio::test]
async fn one_of_many_concurrent_uses_of_a_mailed_token_succeeds() {
    let server = Server::start();
    server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    let body = json!({"token": server.mailed_token("bob@example.com")});
    let proofs = (0..10).map(|_| server.post("/api/v1/users/verify-email", &body));
    let answers = futures_util::future::join_all(proofs).await;
    let proved = answers.iter().filter(|answer| answer.status == 200);
    assert_eq!(proved.count(), 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .all(|answer| matches!(answer.status, 200 | 400)),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_user_deleted_while_verifying_an_address_does_not_get_it_back() {
    let server = Server::start();
    server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    let body = json!({"token": server.mailed_token("bob@example.com")});
    let db = sea_orm::Database::connect(&server.database).await.unwrap();
    let deleting = db.begin().await.unwrap();
    users::Entity::update_many()
        .col_expr(users::Column::Status, Expr::value("deleted"))
        .col_expr(users::Column::Email, Expr::value(None::<String>))
        .exec(&deleting)
        .await
        .unwrap();
    // The handler reads the user before the deletion, and its write waits for the open transaction.
    let mut proof = pin!(server.post("/api/v1/users/verify-email", &body));
    let waiting = timeout(Duration::from_millis(500), &mut proof).await;
    assert!(waiting.is_err(), "{waiting:?}");
    deleting.commit().await.unwrap();
    proof.await.is_problem(400, "invalid_proof");
    let bob = users::Entity::find().one(&db).await.unwrap().unwrap();
    assert_eq!((bob.email_key, bob.email_verified_by), (None, None));
    let events = user_events::Entity::find().all(&db).await.unwrap();
    assert!(events.iter().all(|event| event.event != "email_verified"));
}

#[tokio::test]
async fn a_deactivated_user_cannot_verify_an_address_or_log_in() {
    let server = Server::start();
    server
        .post("/api/v1/users/", &sign_up("bob@example.com"))
        .await;
    let token = server.mailed_token("bob@example.com");
    let db = sea_orm::Database::connect(&server.database).await.unwrap();
    users::Entity::update_many()
        .col_expr(users::Column::Status, Expr::value("deactivated"))
        .exec(&db)
        .await
        .unwrap();
    let body = json!({"token": token});
    let proof = server.post("/api/v1/users/verify-email", &body).await;
    proof.is_problem(400, "invalid_proof");
    let login = log_in(&server, "bob@example.com", PASSWORD).await;
    login.is_problem(401, "invalid_credentials");
}
