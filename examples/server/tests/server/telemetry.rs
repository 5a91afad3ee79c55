//! The audit log of denials, metrics, traces, and the deletion of old events.

use std::sync::{Arc, Mutex};

use axum::{Router, body::Bytes, extract::State, routing::post};
use sea_orm::{Database, EntityTrait, IntoActiveModel};
use serde_json::json;
use tokio::net::TcpListener;
use tower_jit_provisioning::sea_orm::entity::{now, user_events};
use uuid::{Builder, Uuid};

use crate::common::{Answer, Server};

async fn audit(server: &Server, query: &str) -> Answer {
    let claims = json!({"subject": "root", "roles": ["admin"]});
    let root = server.token(claims).await;
    let path = format!("/api/v1/audit?{query}");
    let answer = server.get(&path, Some(&root)).await;
    assert_eq!(answer.status, 200, "{answer:?}");
    answer
}

/// Polls the audit log until it has `count` events: some are written after the response.
async fn audited(server: &Server, query: &str, count: usize) -> Vec<serde_json::Value> {
    loop {
        let events = audit(server, query).await;
        let items = events.body["items"].as_array().unwrap();
        if items.len() >= count {
            return items.clone();
        }
    }
}

#[tokio::test]
async fn repeated_denials_are_audited_once() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("USER_CACHE_SECONDS", "0")]);
    let sign_up =
        json!({"email": "bob@example.com", "password": "correct horse", "full_name": "Bob"});
    assert_eq!(server.post("/api/v1/users/", &sign_up).await.status, 201);
    let proof = json!({"token": server.mailed_token("bob@example.com")});
    server
        .post("/api/v1/users/verify-email", &proof)
        .await
        .is_ok();
    // Linking is on, and the second identity of one user at the same issuer is refused.
    let first = server.token_for("bob", "bob@example.com").await;
    server.get("/api/v1/users/me", Some(&first)).await.is_ok();
    let second = server.token_for("mallory", "bob@example.com").await;
    for _ in 0..20 {
        server
            .get("/api/v1/users/me", Some(&second))
            .await
            .is_problem(403, "conflict");
    }
    let denied = audited(&server, "kind=denied", 1).await;
    assert_eq!(denied.len(), 1, "{denied:?}");
    assert_eq!(denied[0]["detail"], "conflict");
    assert_eq!(denied[0]["user"], json!(null));
    let verified = audited(&server, "kind=email_verified", 1).await;
    assert_eq!(verified.len(), 1);
    let linked = audited(&server, "kind=linked", 1).await;
    assert_eq!(linked[0]["user"], verified[0]["user"]);
}

#[tokio::test]
async fn events_older_than_the_configured_age_are_deleted() {
    let server = Server::start();
    audit(&server, "limit=1").await;
    let old = now() - time::Duration::days(40);
    let millis = old.assume_utc().unix_timestamp_nanos() / 1_000_000;
    let id = Builder::from_unix_timestamp_millis(millis.try_into().unwrap(), &[1; 10]).into_uuid();
    let event = user_events::Model {
        id,
        tenant: String::new(),
        user_id: Uuid::nil(),
        identity_key: None,
        event: "denied".to_owned(),
        actor: None,
        detail: None,
        created_at: old,
    };
    let db = Database::connect(&server.database).await.unwrap();
    let inserting = user_events::Entity::insert(event.into_active_model());
    inserting.exec_without_returning(&db).await.unwrap();
    db.close().await.unwrap();
    assert_eq!(
        audit(&server, "kind=denied").await.body["items"][0]["id"],
        id.to_string()
    );
    let server = Server::start_with(&[
        ("DEV_ISSUER", "on"),
        ("AUDIT_DAYS", "30"),
        ("DATABASE_URL", &server.database),
    ]);
    server.logged("old enough to be forgotten");
    assert_eq!(audit(&server, "kind=denied").await.body["items"], json!([]));
    assert_eq!(
        audited(&server, "kind=created", 1).await.len(),
        2,
        "recent events are kept"
    );
}

#[tokio::test]
async fn metrics_are_served_only_if_enabled() {
    let server = Server::start();
    server
        .get("/metrics", None)
        .await
        .is_problem(404, "not_found");
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("METRICS", "on")]);
    let ana = server.token_for("ana", "ana@example.com").await;
    for _ in 0..3 {
        server.get("/api/v1/users/me", Some(&ana)).await.is_ok();
    }
    server
        .get("/api/v1/users/me", None)
        .await
        .is_problem(401, "missing_token");
    let metrics = server.text("/metrics", None).await;
    for line in [
        "jit_provisioning_requests_total{outcome=\"passed\"} 3",
        "jit_provisioning_requests_total{outcome=\"missing_token\"} 1",
        "jit_provisioning_token_cache_total{result=\"hit\"} 2",
        "# TYPE jit_provisioning_request_duration_seconds histogram",
    ] {
        assert!(metrics.contains(line), "{line} in {metrics}");
    }
    assert!(metrics.contains("outcome=\"created\"} 1"), "{metrics}");
}

#[tokio::test]
async fn traces_reach_a_collector_without_personal_data() {
    let received: Arc<Mutex<Vec<u8>>> = Arc::default();
    let collect = |State(received): State<Arc<Mutex<Vec<u8>>>>, body: Bytes| async move {
        received.lock().unwrap().extend_from_slice(&body);
    };
    let collector = Router::new()
        .route("/v1/traces", post(collect))
        .with_state(Arc::clone(&received));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let endpoint = format!("http://{}/v1/traces", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, collector).await });

    let mut server = Server::start_with(&[("DEV_ISSUER", "on"), ("OTLP_ENDPOINT", &endpoint)]);
    let ana = server.token_for("ana-the-subject", "ana@example.com").await;
    server
        .get("/api/v1/users/me?search=ana@example.com", Some(&ana))
        .await
        .is_ok();
    // The remaining traces are exported at shutdown.
    let status = tokio::task::spawn_blocking(move || server.terminate())
        .await
        .unwrap();
    assert!(status.success());
    let received = received.lock().unwrap();
    let has = |text: &str| {
        received
            .windows(text.len())
            .any(|window| window == text.as_bytes())
    };
    for text in [
        "tower-jit-provisioning",
        "provision",
        "/api/v1/users/me",
        "created",
        "passed",
    ] {
        assert!(has(text), "{text}");
    }
    for text in ["ana@example.com", "ana-the-subject", "eyJ"] {
        assert!(!has(text), "{text}");
    }
}
