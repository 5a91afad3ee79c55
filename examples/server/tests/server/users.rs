//! Profiles, the list of users, and invalid input.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;
use tower_jit_provisioning::{ErrorKind, JwtVerifier, KeySource, TrustedIssuer};

use crate::common::Server;

#[tokio::test]
async fn the_first_request_creates_the_user_and_the_next_finds_it() {
    let server = Server::start();
    let token = server
        .token(
            json!({"subject": "ana", "email": "ana@example.com", "email_verified": true,
            "name": "Ana Diaz"}),
        )
        .await;
    let first = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(first.status, 200, "{first:?}");
    assert_eq!(first.body["outcome"], "created");
    assert_eq!(first.body["email"], "ana@example.com");
    assert_eq!(first.body["full_name"], "Ana Diaz");
    assert_eq!(first.body["is_active"], true);
    assert_eq!(first.body["roles"], json!([]));
    assert!(first.text("created_at").ends_with('Z'));
    let second = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(second.body["outcome"], "found");
    assert_eq!(second.body["id"], first.body["id"]);
}

#[tokio::test]
async fn the_printed_curl_lines_work() {
    let server = Server::start();
    let [user, admin] = server.curl_lines.as_slice() else {
        panic!("two lines: {:?}", server.curl_lines);
    };
    for (line, expected) in [(user, "Ana Diaz"), (admin, "root@example.com")] {
        let mut words = line.split('\'');
        let authorization = words.nth(1).unwrap();
        let url = words.nth(1).unwrap();
        let token = authorization
            .strip_prefix("authorization: Bearer ")
            .unwrap();
        let path = url.strip_prefix(&server.base).expect(url);
        let answer = server.get(path, Some(token)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
        assert!(answer.body.to_string().contains(expected), "{answer:?}");
    }
}

#[tokio::test]
async fn twenty_parallel_first_requests_create_one_user() {
    let server = Server::start();
    let token = server.token_for("ana", "ana@example.com").await;
    let requests = (0..20).map(|_| server.get("/api/v1/users/me", Some(&token)));
    let answers = join_all(requests).await;
    let created = answers
        .iter()
        .filter(|answer| answer.body["outcome"] == "created");
    assert_eq!(created.count(), 1, "{answers:?}");
    let id = &answers[0].body["id"];
    assert!(
        answers.iter().all(|answer| answer.body["id"] == *id),
        "{answers:?}"
    );
}

#[tokio::test]
async fn a_profile_update_creates_the_user_first_if_it_is_new() {
    let server = Server::start();
    let token = server.token_for("ana", "ana@example.com").await;
    let update = json!({"full_name": "Ana D."}).to_string().into_bytes();
    let path = "/api/v1/users/me";
    let answer = server
        .send(Method::PUT, path, Some(&token), Some(update))
        .await;
    assert_eq!(answer.status, 200, "{answer:?}");
    assert_eq!(answer.body["outcome"], "created");
    assert_eq!(answer.body["full_name"], "Ana D.");
    let read = server.get(path, Some(&token)).await;
    assert_eq!(read.body["full_name"], "Ana D.");
    assert_eq!(read.body["outcome"], "found");
}

#[tokio::test]
async fn the_list_requires_the_administrator_role() {
    let server = Server::start();
    let ana = server.token_for("ana", "ana@example.com").await;
    let refused = server.get("/api/v1/users/", Some(&ana)).await;
    refused.is_problem(403, "no_role");
    let anonymous = server.get("/api/v1/users/", None).await;
    anonymous.is_problem(401, "missing_token");
    assert_eq!(anonymous.challenge.as_deref(), Some("Bearer"));

    let root = server
        .token(json!({"subject": "root", "roles": ["admin", "unmapped"]}))
        .await;
    let all = server.get("/api/v1/users/", Some(&root)).await;
    assert_eq!(all.status, 200, "{all:?}");
    assert_eq!(all.body["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(all.body["items"][0]["email"], "ana@example.com");
    let me = server.get("/api/v1/users/me", Some(&root)).await;
    assert_eq!(
        me.body["roles"],
        json!(["admin"]),
        "only mapped roles count"
    );
}

#[tokio::test]
async fn bad_input_gets_a_problem_document_and_never_a_server_error() {
    let server = Server::start();
    let root = server
        .token(json!({"subject": "root", "roles": ["admin"]}))
        .await;
    let huge = format!("{{\"full_name\":\"{}\"}}", "x".repeat(20_000));
    let long = format!("{{\"full_name\":\"{}\"}}", "x".repeat(201));
    for body in [
        "",
        "{",
        "[]",
        "null",
        "{}",
        r#"{"full_name":5}"#,
        r#"{"full_name":null}"#,
        r#"{"full_name":""}"#,
        r#"{"full_name":"  "}"#,
        "{\"full_name\":\"a\\u0000b\"}",
        "{\"full_name\":\"a\\u001b[2J\"}",
        r#"{"full_name":"a","roles":["admin"]}"#,
        "\u{0}\u{1}",
        &long,
        &huge,
    ] {
        let body = Some(body.as_bytes().to_vec());
        let answer = server
            .send(Method::PUT, "/api/v1/users/me", Some(&root), body)
            .await;
        assert!((400..500).contains(&answer.status), "{answer:?}");
        answer.is_problem(answer.status, answer.body["code"].as_str().unwrap());
    }
    let wrong_method = server
        .send(Method::DELETE, "/api/v1/users/me", Some(&root), None)
        .await;
    wrong_method.is_problem(405, "method_not_allowed");
}

#[tokio::test]
async fn the_development_issuers_metadata_matches_its_tokens() {
    let server = Server::start();
    let discovery = server
        .get("/dev-issuer/.well-known/openid-configuration", None)
        .await;
    let issuer = discovery.text("issuer");
    let keys = discovery.text("jwks_uri");
    let jwks = server
        .get(keys.strip_prefix(&server.base).expect(&keys), None)
        .await;
    let trusted = |audience: &str| {
        TrustedIssuer::new(&issuer, audience, KeySource::jwks(jwks.body.to_string()))
    };
    let token = server.token_for("ana", "ana@example.com").await;
    let verifier = JwtVerifier::new([trusted("tower-jit-provisioning-server")]).unwrap();
    assert_eq!(verifier.verify(&token).await.unwrap().subject(), "ana");
    let other = JwtVerifier::new([trusted("another-api")]).unwrap();
    let refused = other.verify(&token).await.unwrap_err();
    assert_eq!(
        (refused.kind(), refused.reason()),
        (ErrorKind::InvalidToken, "audience")
    );
}

#[tokio::test]
async fn health_and_readiness_need_no_token_and_tokens_stay_out_of_the_log() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("RUST_LOG", "debug")]);
    assert_eq!(server.get("/healthz", None).await.body["status"], "ok");
    let ready = server.get("/readyz", None).await;
    assert_eq!((ready.status, &ready.body["database"]), (200, &json!("ok")));
    let token = server.token_for("ana", "ana@example.com").await;
    server.get("/api/v1/users/me", Some(&token)).await;
    let mut broken = token.clone();
    broken.insert(5, 'x');
    let refused = server.get("/api/v1/users/me", Some(&broken)).await;
    refused.is_problem(401, "invalid_token");
    let challenge = "Bearer error=\"invalid_token\"";
    assert_eq!(refused.challenge.as_deref(), Some(challenge));
    server.logged("request refused");
    assert!(!server.log().contains("eyJ"), "{}", server.log());
}
