//! Every endpoint on one database.

use http::Method;
use serde_json::json;

use super::database::Database;
use crate::common::Server;

const PASSWORD: &str = "correct horse battery";

/// Calls every endpoint once, in the order of typical use.
pub(crate) async fn every_endpoint_is_served(database: &Database) {
    let url = database.url();
    let server = Server::start_with(&[("DATABASE_URL", &url), ("DEV_ISSUER", "on")]);
    let ana = server.token_for("ana", "ana@example.com").await;
    for outcome in ["created", "found"] {
        let me = server.get("/api/v1/users/me", Some(&ana)).await;
        assert_eq!(
            (me.status, &me.body["outcome"]),
            (200, &json!(outcome)),
            "{me:?}"
        );
    }
    let update = Some(
        json!({"full_name": "Ana \u{1f600}"})
            .to_string()
            .into_bytes(),
    );
    let path = "/api/v1/users/me";
    let updated = server.send(Method::PUT, path, Some(&ana), update).await;
    assert_eq!(updated.status, 200, "{updated:?}");
    let me = server.get(path, Some(&ana)).await;
    assert_eq!(me.body["full_name"], "Ana \u{1f600}");

    let sign_up = json!({"email": "Bob@example.com", "password": PASSWORD, "full_name": "Bob"});
    let bob = server.post("/api/v1/users/", &sign_up).await;
    assert_eq!(bob.status, 201, "{bob:?}");
    let again = server.post("/api/v1/users/", &sign_up).await;
    again.is_problem(409, "address_taken");
    let proof = json!({"token": server.mailed_token("Bob@example.com")});
    let proved = server.post("/api/v1/users/verify-email", &proof).await;
    assert_eq!(proved.status, 200, "{proved:?}");
    let login = json!({"email": "bob@example.com", "password": PASSWORD});
    let login = server.post("/api/v1/login", &login).await;
    let local = server.get(path, Some(&login.text("access_token"))).await;
    assert_eq!(
        (local.status, &local.body["id"]),
        (200, &bob.body["id"]),
        "{local:?}"
    );
    let token = server.token_for("idp-bob", "bob@example.com").await;
    let linked = server.get(path, Some(&token)).await;
    assert_eq!(linked.body["outcome"], "linked", "{linked:?}");
    assert_eq!(linked.body["id"], bob.body["id"]);

    let root = server
        .token(json!({"subject": "root", "roles": ["admin"]}))
        .await;
    let list = server.get("/api/v1/users/?limit=2", Some(&root)).await;
    assert_eq!(list.status, 200, "{list:?}");
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(2));
    let next = format!("/api/v1/users/?limit=2&after={}", list.text("next"));
    let rest = server.get(&next, Some(&root)).await;
    assert_eq!(rest.body["items"].as_array().map(Vec::len), Some(1));
    administrate(&server, &root, &ana).await;
    assert_eq!(server.get("/readyz", None).await.status, 200);
}

/// Calls every administration endpoint once.
async fn administrate(server: &Server, root: &str, ana: &str) {
    let act = |method: Method, path: String, body: serde_json::Value| async move {
        let body = Some(body.to_string().into_bytes());
        server.send(method, &path, Some(root), body).await
    };
    let me = server.get("/api/v1/users/me", Some(ana)).await;
    let user = format!("/api/v1/users/{}", me.text("id"));
    let patch = json!({"full_name": "Ana Lind", "username": null});
    act(Method::PATCH, user.clone(), patch).await.is_ok();
    for (method, path) in [
        (Method::PUT, "roles/editor"),
        (Method::DELETE, "roles/editor"),
        (Method::POST, "deactivate"),
        (Method::POST, "reactivate"),
        (Method::POST, "approve"),
        (Method::POST, "revoke-tokens"),
    ] {
        act(method, format!("{user}/{path}"), json!({}))
            .await
            .is_ok();
    }
    let record =
        json!({"email": "zoe@example.com", "full_name": "Zoe \u{1f600}", "roles": ["editor"]});
    let import = json!({"action": "import", "records": [record]});
    let bulk = || "/api/v1/users/bulk".to_owned();
    let report = act(Method::POST, bulk(), import).await;
    assert_eq!(report.body["changed"], 1, "{report:?}");
    let zoe = report.body["entries"][0]["user"].clone();
    let found = server
        .get(
            "/api/v1/users/?search=ZOE&role=editor&status=active",
            Some(root),
        )
        .await;
    assert_eq!(found.body["items"][0]["id"], zoe, "{found:?}");
    let delete = json!({"action": "delete", "users": [zoe], "erase": true});
    let report = act(Method::POST, bulk(), delete).await;
    assert_eq!(report.body["changed"], 1, "{report:?}");
    let deleted = act(Method::DELETE, format!("{user}?reason=asked"), json!(null)).await;
    assert_eq!(deleted.status, 204, "{deleted:?}");
    server
        .get("/api/v1/users/me", Some(ana))
        .await
        .is_problem(403, "deleted");
    let audit = server
        .get(&format!("/api/v1/audit?user={}", me.text("id")), Some(root))
        .await;
    let events = audit.body["items"].as_array().expect("events");
    // The denial above is recorded after its response.
    let mut kinds: Vec<_> = events
        .iter()
        .filter_map(|event| event["kind"].as_str())
        .filter(|kind| *kind != "denied")
        .collect();
    kinds.reverse();
    assert_eq!(
        kinds,
        [
            "created",
            "profile_edited",
            "profile_edited",
            "role_granted",
            "role_revoked",
            "deactivated",
            "reactivated",
            "tokens_revoked",
            "deleted",
        ]
    );
}
