//! The HTTP examples, called with `curl`.

use serde_json::{Value, json};

use crate::{example::Example, succeeds};

pub(crate) fn missing() -> Option<&'static str> {
    (!succeeds("curl", &["--version"])).then_some("curl is not installed")
}

/// Splits the output of `curl -i` into status, `WWW-Authenticate` value and body.
pub(crate) fn parts(printed: &str) -> (u16, Option<&str>, &str) {
    let (head, body) = printed.split_once("\r\n\r\n").expect("a head and a body");
    let status = head.split(' ').nth(1).expect("a status line").parse();
    let challenge = head
        .lines()
        .find_map(|line| line.strip_prefix("www-authenticate: "));
    (status.expect("a number"), challenge, body)
}

fn code(body: &str) -> Value {
    let problem: Value = serde_json::from_str(body).expect("a problem document");
    problem["code"].clone()
}

pub(crate) async fn the_curl_lines_of_axum_minimal_work() {
    let mut example = Example::start("axum_minimal").await;
    let with_token = example.next_command().await;
    for outcome in ["created", "found"] {
        let me: Value = serde_json::from_str(&crate::example::run(&with_token)).unwrap();
        assert_eq!(
            me,
            json!({"id": 1, "name": "Ana Diaz", "outcome": outcome, "subject": "ana"})
        );
    }
    let printed = example.try_next().await;
    let (status, challenge, body) = parts(&printed);
    assert_eq!((status, challenge), (401, Some("Bearer")));
    assert_eq!(code(body), "missing_token");
    assert_eq!(example.try_next().await, "healthy");
}

pub(crate) async fn the_curl_lines_of_authorization_work() {
    let mut example = Example::start("authorization").await;
    let base = example.base.clone();
    let metadata = format!("resource_metadata=\"{base}/.well-known/oauth-protected-resource\"");
    assert_eq!(example.try_next().await, "welcome\n");
    assert_eq!(example.try_next().await, "welcome, user 1\n");

    // By scope.
    let printed = example.try_next().await;
    assert_eq!(parts(&printed), (200, None, "three orders\n"));
    let printed = example.try_next().await;
    let (status, challenge, body) = parts(&printed);
    let scope = "Bearer error=\"insufficient_scope\", scope=\"orders:read\"";
    let expected = format!("{scope}, {metadata}");
    assert_eq!((status, challenge), (403, Some(&*expected)));
    assert_eq!(code(body), "insufficient_scope");
    let printed = example.try_next().await;
    let (status, challenge, body) = parts(&printed);
    let expected = format!("Bearer {metadata}");
    assert_eq!((status, challenge), (401, Some(&*expected)));
    assert_eq!(code(body), "missing_token");
    let document: Value = serde_json::from_str(&example.try_next().await).unwrap();
    assert_eq!(document["resource"], base);
    assert_eq!(
        document["authorization_servers"],
        json!(["https://id.example.com"])
    );

    // By role.
    let printed = example.try_next().await;
    let (status, challenge, body) = parts(&printed);
    assert_eq!((status, challenge), (403, None));
    assert_eq!(code(body), "no_role");
    let printed = example.try_next().await;
    assert_eq!(parts(&printed), (200, None, "deleted\n"));

    // By cookie.
    let printed = example.try_next().await;
    assert_eq!(parts(&printed), (200, None, "three orders\n"));
    let printed = example.try_next().await;
    assert_eq!(parts(&printed), (200, None, "deleted\n"));
    let printed = example.try_next().await;
    let (status, challenge, body) = parts(&printed);
    assert_eq!((status, challenge), (403, None));
    assert_eq!(code(body), "cross_site_request");
}
