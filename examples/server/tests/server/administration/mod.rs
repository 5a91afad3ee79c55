//! The administration endpoints and the audit log.

mod hostile;
mod many;
mod one;
mod races;

use http::Method;
use serde_json::{Value, json};

use crate::common::{Answer, Server};

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Returns one request for every administration endpoint.
fn operations(id: &str) -> Vec<(Method, String, Option<Value>)> {
    let user = format!("/api/v1/users/{id}");
    vec![
        (Method::GET, "/api/v1/users/".to_owned(), None),
        (Method::GET, user.clone(), None),
        (
            Method::PATCH,
            user.clone(),
            Some(json!({"full_name": "Eve"})),
        ),
        (
            Method::POST,
            format!("{user}/deactivate"),
            Some(json!({"reason": "gone"})),
        ),
        (Method::POST, format!("{user}/reactivate"), None),
        (Method::POST, format!("{user}/approve"), None),
        (Method::POST, format!("{user}/revoke-tokens"), None),
        (Method::PUT, format!("{user}/roles/editor"), None),
        (Method::DELETE, format!("{user}/roles/editor"), None),
        (
            Method::POST,
            "/api/v1/users/bulk".to_owned(),
            Some(json!({"action": "delete", "users": [id]})),
        ),
        (Method::DELETE, format!("{user}?erase=true"), None),
        (Method::GET, format!("/api/v1/audit?user={id}"), None),
        (Method::GET, "/api/v1/audit/export".to_owned(), None),
    ]
}

async fn act(
    server: &Server,
    token: &str,
    method: &Method,
    path: &str,
    body: Option<&Value>,
) -> Answer {
    let body = body.map(|body| body.to_string().into_bytes());
    server.send(method.clone(), path, Some(token), body).await
}

async fn admin(server: &Server, subject: &str) -> String {
    let claims = json!({"subject": subject, "roles": ["admin"]});
    server.token(claims).await
}

/// Returns the id of the token's user, who is created if unknown.
async fn id_of(server: &Server, token: &str) -> String {
    let me = server.get("/api/v1/users/me", Some(token)).await;
    assert_eq!(me.status, 200, "{me:?}");
    me.text("id")
}

fn kinds(audit: &Answer) -> Vec<&str> {
    let items = audit.body["items"].as_array().expect("events");
    items
        .iter()
        .map(|event| event["kind"].as_str().unwrap())
        .collect()
}

#[tokio::test]
async fn every_operation_requires_the_administrator_role() {
    let server = Server::start();
    let ana = server.token_for("ana", "ana@example.com").await;
    let id = id_of(&server, &ana).await;
    for (method, path, body) in operations(&id) {
        let refused = act(&server, &ana, &method, &path, body.as_ref()).await;
        refused.is_problem(403, "no_role");
        let body = body.map(|body| body.to_string().into_bytes());
        let anonymous = server.send(method, &path, None, body).await;
        anonymous.is_problem(401, "missing_token");
    }
    let me = server.get("/api/v1/users/me", Some(&ana)).await;
    assert_eq!(
        (me.status, &me.body["full_name"]),
        (200, &Value::Null),
        "{me:?}"
    );
}
