//! The bundled server on this database.

use http::Method;
use serde_json::json;

use crate::{bundled::Server, fixture::Store};

const PASSWORD: &str = "correct horse battery";

/// Every endpoint once, in the order a user would.
pub(crate) async fn the_bundled_server_serves_every_endpoint(store: &Store) {
    let url = store.url();
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
    let list = server
        .get("/api/v1/users/?limit=2&offset=1", Some(&root))
        .await;
    assert_eq!(
        (list.status, &list.body["total"]),
        (200, &json!(3)),
        "{list:?}"
    );
    assert_eq!(list.body["items"].as_array().map(Vec::len), Some(2));
    assert_eq!(server.get("/readyz", None).await.status, 200);
}
