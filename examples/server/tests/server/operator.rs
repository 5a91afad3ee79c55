//! The endpoints of the operator's page, called directly.

use http::Method;
use serde_json::json;

use crate::common::Server;

#[tokio::test]
async fn operator_endpoints_require_the_role() {
    let server = Server::start();
    let ana = server.token_for("ana", "ana@example.com").await;
    for (method, path) in [
        (Method::GET, "/api/v1/issuers"),
        (Method::GET, "/api/v1/statistics"),
        (Method::POST, "/api/v1/explain"),
    ] {
        let body = (method == Method::POST).then(|| br#"{"token": "x"}"#.to_vec());
        let anonymous = server.send(method.clone(), path, None, body.clone()).await;
        anonymous.is_problem(401, "missing_token");
        let answer = server.send(method, path, Some(&ana), body).await;
        answer.is_problem(403, "no_role");
    }
}

#[tokio::test]
async fn statistics_count_requests_by_outcome() {
    let server = Server::start();
    let administrator = json!({"subject": "root", "roles": ["admin"]});
    let administrator = server.token(administrator).await;
    let ana = server.token_for("ana", "ana@example.com").await;
    for _ in 0..3 {
        let answer = server.get("/api/v1/users/me", Some(&ana)).await;
        assert_eq!(answer.status, 200);
    }
    for _ in 0..2 {
        let answer = server.get("/api/v1/users/me", Some("a.b.c")).await;
        assert_eq!(answer.status, 401);
    }
    let answer = server.get("/api/v1/statistics", Some(&administrator)).await;
    let total = &answer.body["total"];
    // The administrator's own requests are counted as well.
    assert_eq!(
        (&total["requests"], &total["logins"], &total["created"]),
        (&json!(6), &json!(2), &json!(2)),
        "{answer:?}"
    );
    assert_eq!(total["refused"], 2, "{answer:?}");
    let reasons = total["reasons"].as_object().expect("reasons");
    assert_eq!(reasons.values().filter_map(|n| n.as_u64()).sum::<u64>(), 2);

    // The series adds up to the totals, whichever intervals the requests fell into.
    let series = answer.body["series"].as_array().expect("a series");
    for name in ["requests", "logins", "created", "refused"] {
        let sum = series.iter().filter_map(|point| point[name].as_u64());
        assert_eq!(sum.sum::<u64>(), total[name], "{name}");
    }
    let now = answer.body["now"].as_u64().expect("a time");
    for point in series {
        let at = point["at"].as_u64().expect("a time");
        assert!(at <= now && at % 10 == 0, "{point}");
        assert!(point["latency_ms"]["p95"].as_f64() > Some(0.0), "{point}");
    }
}

#[tokio::test]
async fn a_request_without_the_role_is_counted_as_passed_and_as_refused() {
    let server = Server::start();
    let ana = server.token_for("ana", "ana@example.com").await;
    for path in ["/api/v1/users/", "/api/v1/statistics", "/api/v1/audit"] {
        let answer = server.get(path, Some(&ana)).await;
        answer.is_problem(403, "no_role");
    }
    let malformed = server.get("/api/v1/users/", Some("a.b.c")).await;
    assert_eq!(malformed.status, 401);

    let administrator = json!({"subject": "root", "roles": ["admin"]});
    let administrator = server.token(administrator).await;
    let answer = server.get("/api/v1/statistics", Some(&administrator)).await;
    let total = &answer.body["total"];
    assert_eq!(
        (&total["requests"], &total["logins"], &total["refused"]),
        (&json!(5), &json!(2), &json!(4)),
        "{answer:?}"
    );
    assert_eq!(total["reasons"], json!({"malformed": 1, "no_role": 3}));
    let series = answer.body["series"].as_array().expect("a series");
    let refused = series.iter().filter_map(|point| point["refused"].as_u64());
    assert_eq!(refused.sum::<u64>(), 4);
}

#[tokio::test]
async fn administrators_read_issuers_and_explanations() {
    let server = Server::start();
    let administrator = json!({"subject": "root", "roles": ["admin"]});
    let administrator = server.token(administrator).await;
    let issuers = server.get("/api/v1/issuers", Some(&administrator)).await;
    assert_eq!(
        issuers.body["items"][0]["issuer"],
        format!("{}/dev-issuer", server.base)
    );
    assert_eq!(issuers.body["items"][0]["keys"], 1);

    let ana = server.token_for("ana", "ana@example.com").await;
    for (token, outcome, refused) in [
        (ana.clone(), json!("created"), json!(null)),
        (format!("Bearer {ana}\n"), json!("created"), json!(null)),
        (ana[1..].to_owned(), json!(null), json!("malformed")),
    ] {
        let body = json!({"token": token}).to_string().into_bytes();
        let answer = server
            .send(
                Method::POST,
                "/api/v1/explain",
                Some(&administrator),
                Some(body),
            )
            .await;
        assert_eq!(
            (&answer.body["outcome"], &answer.body["refused"]),
            (&outcome, &refused),
            "{answer:?}"
        );
        assert_eq!(answer.body["steps"][0]["name"], "form", "{answer:?}");
    }
}
