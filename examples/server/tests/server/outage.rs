//! Access of known users while the database is down.

use std::time::{Duration, Instant};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection};
use serde_json::json;

use crate::common::Server;

const STALE: Duration = Duration::from_secs(2);

const ME: &str = "/api/v1/users/me";

/// Renames the users table, so that every statement about users fails until it is renamed back.
async fn break_down(server: &Server) -> DatabaseConnection {
    let db = Database::connect(&server.database).await.unwrap();
    rename(&db, "users", "broken").await;
    db
}

async fn rename(db: &DatabaseConnection, from: &str, to: &str) {
    let rename = format!("ALTER TABLE {from} RENAME TO {to}");
    db.execute_unprepared(&rename).await.unwrap();
}

#[tokio::test]
async fn known_users_are_served_for_stale_seconds_without_the_admin_role() {
    let stale_seconds = STALE.as_secs().to_string();
    let server = Server::start_with(&[
        ("DEV_ISSUER", "on"),
        ("USER_CACHE_SECONDS", "0"),
        ("STALE_SECONDS", &stale_seconds),
    ]);
    let ana = json!({"subject": "ana", "roles": ["admin"]});
    let ana = server.token(ana).await;
    server.get("/api/v1/users/", Some(&ana)).await.is_ok();
    let bo = server.token_for("bo", "bo@example.com").await;
    let last_read_after = Instant::now();
    server.get(ME, Some(&ana)).await.is_ok();

    let db = break_down(&server).await;
    let me = server.get(ME, Some(&ana)).await;
    assert_eq!((me.status, &me.body["roles"]), (200, &json!([])), "{me:?}");
    let list = server.get("/api/v1/users/", Some(&ana)).await;
    list.is_problem(403, "no_role");
    let stranger = server.get(ME, Some(&bo)).await;
    stranger.is_problem(503, "unavailable");
    assert_eq!(stranger.retry_after.as_deref(), Some("1"));

    let refused = loop {
        let me = server.get(ME, Some(&ana)).await;
        if me.status != 200 {
            break me;
        }
        assert!(last_read_after.elapsed() < 15 * STALE, "{me:?}");
        tokio::task::yield_now().await;
    };
    assert!(last_read_after.elapsed() >= STALE, "{refused:?}");
    refused.is_problem(503, "unavailable");
    assert_eq!(refused.retry_after.as_deref(), Some("1"));

    rename(&db, "broken", "users").await;
    server.get("/api/v1/users/", Some(&ana)).await.is_ok();
}

#[tokio::test]
async fn without_stale_seconds_known_users_are_unavailable() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("USER_CACHE_SECONDS", "0")]);
    let ana = server.token_for("ana", "ana@example.com").await;
    server.get(ME, Some(&ana)).await.is_ok();
    break_down(&server).await;
    let me = server.get(ME, Some(&ana)).await;
    me.is_problem(503, "unavailable");
}
