//! The gRPC examples, called with tonic's client.

use serde_json::{Value, json};

use crate::{curl, example::Example};

pub(crate) fn missing() -> Option<&'static str> {
    curl::missing()
}

pub(crate) async fn the_client_lines_of_tonic_server_work() {
    let mut example = Example::start("tonic_server").await;
    assert_eq!(
        example.try_next().await,
        "greet: hello, user 1 (created)\n\
         count: 7 (The caller does not have permission to execute the specified operation): \
         insufficient_scope\n"
    );
    assert_eq!(
        example.try_next().await,
        "greet: hello, user 1 (found)\n\
         count: 1 for user 1\n\
         count: 2 for user 1\n\
         count: 3 for user 1\n"
    );
    let printed = example.try_next().await;
    let refused: Vec<&str> = printed.lines().collect();
    assert_eq!(refused.len(), 2, "{printed}");
    for (line, method) in refused.into_iter().zip(["greet", "count"]) {
        assert!(line.starts_with(&format!("{method}: 16 (")), "{printed}");
        assert!(line.ends_with("): invalid_token"), "{printed}");
    }
}

pub(crate) async fn axum_and_tonic_share_users_on_one_port() {
    let mut example = Example::start("axum_and_tonic").await;
    let me: Value = serde_json::from_str(&example.try_next().await).unwrap();
    assert_eq!(me, json!({"id": 1, "outcome": "created"}));
    assert_eq!(
        example.try_next().await,
        "greet: hello, user 1 (found)\n\
         count: 1 for user 1\n\
         count: 2 for user 1\n\
         count: 3 for user 1\n"
    );
}
