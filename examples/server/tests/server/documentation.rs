//! The OpenAPI document, the Swagger UI, and the audit log export.

use std::collections::BTreeSet;

use serde_json::json;

use crate::common::Server;

#[tokio::test]
async fn the_document_lists_every_operation_and_its_security() {
    let server = Server::start();
    let document = server.get("/api/openapi.json", None).await;
    assert_eq!(document.status, 200, "{document:?}");
    let mut operations = BTreeSet::new();
    let mut public = BTreeSet::new();
    for (path, item) in document.body["paths"].as_object().unwrap() {
        for (method, operation) in item.as_object().unwrap() {
            operations.insert(format!("{method} {path}"));
            assert!(operation["responses"]["4XX"].is_object(), "{method} {path}");
            if operation["security"].is_null() {
                public.insert(format!("{method} {path}"));
            }
        }
    }
    for operation in [
        "delete /api/v1/users/{id}",
        "delete /api/v1/users/{id}/roles/{role}",
        "get /api/v1/audit",
        "get /api/v1/audit/export",
        "get /api/v1/issuers",
        "get /api/v1/statistics",
        "get /api/v1/users/",
        "get /api/v1/users/me",
        "get /api/v1/users/{id}",
        "patch /api/v1/users/{id}",
        "post /api/v1/explain",
        "post /api/v1/users/bulk",
        "post /api/v1/users/{id}/approve",
        "post /api/v1/users/{id}/deactivate",
        "post /api/v1/users/{id}/reactivate",
        "post /api/v1/users/{id}/revoke-tokens",
        "put /api/v1/users/me",
        "put /api/v1/users/{id}/roles/{role}",
    ] {
        assert!(
            operations.contains(operation),
            "{operation} in {operations:?}"
        );
    }
    let expected = [
        "post /api/v1/login",
        "post /api/v1/users/",
        "post /api/v1/users/verify-email",
    ];
    assert_eq!(public, expected.map(str::to_owned).into());
}

#[tokio::test]
async fn swagger_ui_loads_nothing_from_other_origins() {
    let server = Server::start();
    let page = server.text("/api/docs/", None).await;
    let links = page
        .split(['"', '\''])
        .filter(|word| word.ends_with(".js") || word.ends_with(".css"));
    let links: Vec<&str> = links.collect();
    assert!(links.len() >= 4, "{page}");
    for link in links {
        assert!(!link.contains("//"), "{link}");
        let file = link.strip_prefix("./").unwrap_or(link);
        let script = server.text(&format!("/api/docs/{file}"), None).await;
        assert!(!script.is_empty(), "{link}");
    }
}

#[tokio::test]
async fn the_whole_audit_log_is_exported_as_ndjson_and_csv() {
    let server = Server::start();
    let claims = json!({"subject": "root", "roles": ["admin"]});
    let root = server.token(claims).await;
    // More events than one page of the export.
    let records: Vec<_> = (0..450)
        .map(|n| json!({"email": format!("user{n}@example.com")}))
        .collect();
    let import = json!({"action": "import", "records": records})
        .to_string()
        .into_bytes();
    let imported = server
        .send(
            http::Method::POST,
            "/api/v1/users/bulk",
            Some(&root),
            Some(import),
        )
        .await;
    assert_eq!(imported.body["changed"], 450, "{imported:?}");
    let user = imported.body["entries"][0]["user"].as_str().unwrap();
    let why = json!({"reason": "said \"no\", and left"})
        .to_string()
        .into_bytes();
    let path = format!("/api/v1/users/{user}/deactivate");
    server
        .send(http::Method::POST, &path, Some(&root), Some(why))
        .await
        .is_ok();

    let lines = server.text("/api/v1/audit/export", Some(&root)).await;
    let events: Vec<serde_json::Value> = lines
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    assert_eq!(events.len(), 452, "root, the import and a deactivation");
    let ids: BTreeSet<&str> = events
        .iter()
        .map(|event| event["id"].as_str().unwrap())
        .collect();
    assert_eq!(ids.len(), 452);
    assert_eq!(events[451]["detail"], "said \"no\", and left");

    let table = server
        .text("/api/v1/audit/export?format=csv", Some(&root))
        .await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let head = reader.headers().unwrap().clone();
    assert_eq!(
        head.iter().collect::<Vec<_>>(),
        [
            "id",
            "at",
            "kind",
            "user",
            "actor",
            "detail",
            "identity_key"
        ]
    );
    let rows: Vec<csv::StringRecord> = reader.records().map(Result::unwrap).collect();
    assert_eq!(rows.len(), 452);
    assert_eq!(&rows[451][5], "said \"no\", and left");

    let ana = server.token_for("ana", "ana@example.com").await;
    server
        .get("/api/v1/audit/export", Some(&ana))
        .await
        .is_problem(403, "no_role");
    server
        .get("/api/v1/audit/export?format=xls", Some(&root))
        .await
        .is_problem(400, "invalid_input");
}

#[tokio::test]
async fn details_in_the_csv_export_are_not_formulas() {
    let server = Server::start();
    let claims = json!({"subject": "root", "roles": ["admin"]});
    let root = server.token(claims).await;
    let id = server.get("/api/v1/users/me", Some(&root)).await.text("id");
    let roles = ["=1+1", "+1", "-1", "@SUM(A1)", "＝1", "1=1", "'=1"];
    for role in roles {
        let role: String = role.bytes().map(|byte| format!("%{byte:02x}")).collect();
        let path = format!("/api/v1/users/{id}/roles/{role}");
        let granted = server.send(http::Method::PUT, &path, Some(&root), None);
        granted.await.is_ok();
    }
    let details = |texts: Vec<String>| -> Vec<String> {
        let last = texts.len() - roles.len();
        texts[last..].to_vec()
    };
    let table = server
        .text("/api/v1/audit/export?format=csv", Some(&root))
        .await;
    let mut reader = csv::Reader::from_reader(table.as_bytes());
    let rows = reader.records().map(|row| row.unwrap()[5].to_owned());
    let defused = ["'=1+1", "'+1", "'-1", "'@SUM(A1)", "'＝1", "1=1", "'=1"];
    assert_eq!(details(rows.collect()), defused);
    let lines = server.text("/api/v1/audit/export", Some(&root)).await;
    let lines = lines.lines().map(|line| {
        let event: serde_json::Value = serde_json::from_str(line).unwrap();
        event["detail"].as_str().unwrap_or_default().to_owned()
    });
    assert_eq!(details(lines.collect()), roles, "as they were given");
}
