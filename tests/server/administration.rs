//! What administrators do with users, and what is left of it in the audit log.

use futures_util::future::join_all;
use http::Method;
use serde_json::{Value, json};

use crate::fixture::{Answer, Server};

const NOBODY: &str = "01890000-0000-7000-8000-000000000000";

/// Every administrator's operation on a user.
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

/// The id of the user behind a token, who is created if need be.
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
async fn every_operation_is_for_administrators_only() {
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

#[tokio::test]
async fn a_deactivated_user_is_refused_from_the_next_request_on_and_comes_back_with_a_fresh_token()
{
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
    // Once more changes nothing, and is no fault.
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
async fn a_user_is_shown_with_identities_and_grants_and_their_sources() {
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
async fn a_patch_edits_what_it_names_empties_what_is_null_and_outlives_the_next_token() {
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
    assert_eq!(patched.body["email_is_verified"], false, "nobody proved it");

    let newer = json!({"subject": "ana", "name": "Ana Diaz-Lind"});
    let newer = server.token(newer).await;
    let me = server.get("/api/v1/users/me", Some(&newer)).await;
    assert_eq!(me.body["full_name"], "Ana D.");
}

#[tokio::test]
async fn a_deleted_user_leaves_an_empty_row_that_refuses_the_next_token_and_a_free_address() {
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

#[tokio::test]
async fn the_list_is_paged_by_key_searched_and_filtered() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    id_of(&server, &root).await;
    let records: Vec<Value> = (0..25)
        .map(|n| json!({"email": format!("user{n}@example.com"), "full_name": format!("User {n}"), "roles": ["editor"]}))
        .collect();
    let import = json!({"action": "import", "records": records});
    let imported = act(
        &server,
        &root,
        &Method::POST,
        "/api/v1/users/bulk",
        Some(&import),
    )
    .await;
    assert_eq!(
        (imported.status, &imported.body["changed"]),
        (200, &json!(25)),
        "{imported:?}"
    );

    let (mut seen, mut after) = (Vec::new(), String::new());
    loop {
        let page = server
            .get(&format!("/api/v1/users/?limit=10{after}"), Some(&root))
            .await;
        assert_eq!(page.status, 200, "{page:?}");
        let items = page.body["items"].as_array().unwrap();
        seen.extend(
            items
                .iter()
                .map(|user| user["id"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page.body["next"].as_str() else {
            break;
        };
        after = format!("&after={next}");
    }
    assert_eq!(seen.len(), 26);
    assert!(seen.is_sorted(), "{seen:?}");

    for (query, count) in [
        ("search=user2", 7 - 1),
        ("search=USER%2024", 1),
        ("search=%25", 0),
        ("role=editor&limit=100", 25),
        ("role=admin", 1),
        ("status=active&limit=100", 26),
        ("status=pending", 0),
        ("issuer=https://nobody.example.com", 0),
        ("newest_first=true&limit=1", 1),
    ] {
        let found = server
            .get(&format!("/api/v1/users/?{query}"), Some(&root))
            .await;
        assert_eq!(
            found.body["items"].as_array().map(Vec::len),
            Some(count),
            "{query}: {found:?}"
        );
    }
}

#[tokio::test]
async fn a_bulk_change_reports_on_every_user_and_a_dry_run_changes_nobody() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let root_id = id_of(&server, &root).await;
    let ana = server.token_for("ana", "ana@example.com").await;
    let ana_id = id_of(&server, &ana).await;
    let bulk = |dry_run: bool| {
        json!({"action": "deactivate", "dry_run": dry_run, "reason": "audit",
        "users": [ana_id, root_id, NOBODY]})
    };
    let expected = json!([
        {"user": ana_id, "effect": "changed"},
        {"user": root_id, "effect": "refused", "reason": "last_administrator"},
        {"user": NOBODY, "effect": "not_found"},
    ]);
    for dry_run in [true, false] {
        let report = act(
            &server,
            &root,
            &Method::POST,
            "/api/v1/users/bulk",
            Some(&bulk(dry_run)),
        )
        .await;
        assert_eq!(report.status, 200, "{report:?}");
        assert_eq!(report.body["entries"], expected);
        assert_eq!(report.body["dry_run"], dry_run);
        let me = server.get("/api/v1/users/me", Some(&ana)).await;
        assert_eq!(me.status, if dry_run { 200 } else { 403 }, "{me:?}");
    }
    let import = json!({"action": "import", "records": [
        {"issuer": "https://id.example.com", "subject": "zoe"},
        {"full_name": "Nobody"},
    ]});
    let report = act(
        &server,
        &root,
        &Method::POST,
        "/api/v1/users/bulk",
        Some(&import),
    )
    .await;
    assert_eq!(report.body["entries"][0]["effect"], "changed", "{report:?}");
    assert_eq!(
        report.body["entries"][1],
        json!({"user": null, "effect": "refused", "reason": "invalid"})
    );
    let zoe = report.body["entries"][0]["user"].as_str().unwrap();
    let delete = json!({"action": "delete", "users": [zoe], "erase": true});
    let report = act(
        &server,
        &root,
        &Method::POST,
        "/api/v1/users/bulk",
        Some(&delete),
    )
    .await;
    assert_eq!(report.body["changed"], 1, "{report:?}");
    let audit = server
        .get(&format!("/api/v1/audit?user={zoe}"), Some(&root))
        .await;
    assert_eq!(kinds(&audit), ["erased", "imported"]);
}

#[tokio::test]
async fn the_last_administrator_stays_also_when_two_remove_each_other_at_once() {
    let server = Server::start();
    let (one, two) = (admin(&server, "one").await, admin(&server, "two").await);
    let (one_id, two_id) = (id_of(&server, &one).await, id_of(&server, &two).await);
    let remove = |token, id: &str| {
        let (server, path) = (&server, format!("/api/v1/users/{id}/deactivate"));
        async move { act(server, token, &Method::POST, &path, None).await }
    };
    let answers = join_all([remove(&one, &two_id), remove(&two, &one_id)]).await;
    let removed = answers.iter().filter(|answer| answer.status == 200).count();
    assert_eq!(removed, 1, "{answers:?}");
    let (left, left_id) = match answers[0].status {
        200 => (&one, &one_id),
        _ => (&two, &two_id),
    };
    remove(left, left_id)
        .await
        .is_problem(409, "last_administrator");
    let path = format!("/api/v1/users/{left_id}");
    act(&server, left, &Method::DELETE, &path, None)
        .await
        .is_problem(409, "last_administrator");
    // The issuer states this one, and alone can take it away.
    act(
        &server,
        left,
        &Method::DELETE,
        &format!("{path}/roles/admin"),
        None,
    )
    .await
    .is_problem(409, "held_by_issuer");
}

#[tokio::test]
async fn one_change_asked_for_ten_times_at_once_is_one_event() {
    let server = Server::start();
    let root = admin(&server, "root").await;
    let ana = server.token_for("ana", "ana@example.com").await;
    let id = id_of(&server, &ana).await;
    let path = format!("/api/v1/users/{id}/deactivate");
    let changes = (0..10).map(|_| act(&server, &root, &Method::POST, &path, None));
    for answer in join_all(changes).await {
        assert_eq!(
            (answer.status, &answer.body["status"]),
            (200, &json!("deactivated")),
            "{answer:?}"
        );
    }
    let audit = server
        .get(&format!("/api/v1/audit?user={id}"), Some(&root))
        .await;
    assert_eq!(kinds(&audit), ["deactivated", "created"]);
}

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
