//! Operations on many users: lists, bulk changes and imports.

use http::Method;
use serde_json::{Value, json};

use super::{NOBODY, act, admin, id_of, kinds};
use crate::common::Server;

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
async fn a_bulk_change_reports_each_user_and_a_dry_run_changes_none() {
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
