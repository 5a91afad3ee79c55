//! Concurrent changes by administrators.

use futures_util::future::join_all;
use http::Method;
use serde_json::json;

use super::{act, admin, id_of, kinds};
use crate::common::Server;

#[tokio::test]
async fn the_last_administrator_is_kept_when_two_remove_each_other_concurrently() {
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
    // This role is granted by the issuer, so only the issuer can revoke it.
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
async fn ten_concurrent_identical_changes_record_one_event() {
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
