//! Input that the page never sends.

use http::Method;
use serde_json::json;

use super::{NOBODY, act, admin, id_of};
use crate::common::Server;

#[tokio::test]
async fn hostile_input_gets_a_problem_document_and_never_a_server_error() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let id = id_of(&server, &root).await;
    let user = format!("/api/v1/users/{id}");
    let long = "x".repeat(300);
    for (path, status) in [
        ("/api/v1/users/nobody".to_owned(), 404),
        (format!("/api/v1/users/{NOBODY}"), 404),
        (format!("/api/v1/users/{NOBODY}%00"), 404),
        ("/api/v1/users/?status=gone".to_owned(), 400),
        ("/api/v1/users/?search=".to_owned(), 400),
        ("/api/v1/users/?search=%00".to_owned(), 400),
        (format!("/api/v1/users/?search={long}"), 400),
        ("/api/v1/users/?role=%20admin".to_owned(), 400),
        ("/api/v1/users/?after=1".to_owned(), 400),
        ("/api/v1/users/?limit=0".to_owned(), 400),
        ("/api/v1/users/?limit=101".to_owned(), 400),
        ("/api/v1/users/?limit=1&limit=2".to_owned(), 400),
        ("/api/v1/users/?offset=1".to_owned(), 400),
        ("/api/v1/audit?kind=%00".to_owned(), 400),
        (format!("/api/v1/audit?actor={long}"), 400),
        ("/api/v1/audit?user=me".to_owned(), 400),
        ("/api/v1/audit?limit=1000".to_owned(), 400),
    ] {
        let answer = server.get(&path, Some(&root)).await;
        assert_eq!(answer.status, status, "{path}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json");
    }
    for (method, path, body, status) in [
        (
            Method::PATCH,
            user.clone(),
            "{\"full_name\":\"a\\u0000\"}",
            400,
        ),
        (
            Method::PATCH,
            user.clone(),
            "{\"username\":\"a\\u0000\"}",
            400,
        ),
        (Method::PATCH, user.clone(), r#"{"email":"nobody"}"#, 400),
        (Method::PATCH, user.clone(), r#"{"status":"active"}"#, 422),
        (Method::PATCH, user.clone(), "[]", 422),
        (
            Method::POST,
            format!("{user}/deactivate"),
            r#"{"reason":5}"#,
            422,
        ),
        (Method::POST, format!("{user}/deactivate"), "{", 400),
        (Method::PUT, format!("{user}/roles/%20x"), "", 400),
        (Method::PUT, format!("{user}/roles/%00"), "", 400),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"explode","users":[]}"#,
            422,
        ),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"approve","users":[]}"#,
            400,
        ),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"approve","users":[1]}"#,
            422,
        ),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"approve","users":[],"reason":""}"#,
            422,
        ),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"import","records":[{"issuer":"x"}]}"#,
            400,
        ),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            r#"{"action":"import","records":[{"email":"x"}]}"#,
            400,
        ),
    ] {
        let sent = Some(body.as_bytes().to_vec());
        let answer = server.send(method, &path, Some(&root), sent).await;
        assert_eq!(answer.status, status, "{path} {body}: {answer:?}");
        assert_eq!(answer.content_type, "application/problem+json");
    }
    let crowd = vec![NOBODY; 1_001];
    let crowd = json!({"action": "approve", "users": crowd});
    act(
        &server,
        &root,
        &Method::POST,
        "/api/v1/users/bulk",
        Some(&crowd),
    )
    .await
    .is_problem(400, "invalid_input");
    let huge = json!({"action": "deactivate", "users": [NOBODY], "reason": "x".repeat(2_000_000)});
    act(
        &server,
        &root,
        &Method::POST,
        "/api/v1/users/bulk",
        Some(&huge),
    )
    .await
    .is_problem(413, "invalid_input");
    let reason = json!({"reason": "\u{0}\u{1b}[2J".to_owned() + &"\u{e9}".repeat(400)});
    act(
        &server,
        &root,
        &Method::POST,
        &format!("{user}/revoke-tokens"),
        Some(&reason),
    )
    .await
    .is_ok();
}
