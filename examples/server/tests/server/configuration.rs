//! Startup, startup failures, and shutdown.

use std::{
    ffi::OsString,
    fs::{self, DirEntry},
    os::unix::fs::PermissionsExt,
    path::Path,
};

use sea_orm::{ConnectionTrait, Database};
use serde_json::json;
use tempfile::TempDir;
use tokio::{
    io::{AsyncReadExt, AsyncWriteExt},
    net::TcpStream,
};
use tower_jit_provisioning::testing::TestIssuer;

use crate::common::{Server, command, run};

fn refusal(variables: &[(&str, &str)]) -> String {
    let output = run(variables, &[]);
    assert!(!output.status.success(), "it started with {variables:?}");
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn published(folder: &Path, issuer: &TestIssuer) -> String {
    let file = folder.join("jwks.json");
    fs::write(&file, issuer.jwks().to_string()).unwrap();
    file.display().to_string()
}

#[test]
fn the_development_issuer_is_opt_in_off_loopback_and_with_a_configured_database() {
    assert!(refusal(&[("LISTEN", "0.0.0.0:0")]).contains("dev_issuer=on"));
    let database = [
        ("LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", "sqlite::memory:"),
    ];
    assert!(refusal(&database).contains("dev_issuer=on"));
}

#[test]
fn the_development_issuer_and_an_external_one_exclude_each_other() {
    let variables = [
        ("DEV_ISSUER", "on"),
        ("ISSUER_URL", "https://id.example.com"),
        ("AUDIENCE", "orders"),
        ("JWKS_FILE", "/dev/null"),
    ];
    assert!(refusal(&variables).contains("dev_issuer and an issuer"));
}

#[test]
fn all_faults_are_reported_together() {
    let faults = refusal(&[
        ("LISTEN", "nowhere"),
        ("DATABASE_URL", "oracle://x"),
        ("LINKING", "maybe"),
        ("DEV_ISSUER", "yes"),
        ("LOCAL_SECRET", "short"),
        ("ROLES_CLAIM", "roles"),
        ("ISSUER_URL", "https://id.example.com"),
        ("JWKS_FILE", "/nowhere/jwks.json"),
    ]);
    for name in [
        "listen",
        "database_url",
        "linking",
        "dev_issuer",
        "local_secret",
        "roles_claim",
        "audience",
    ] {
        assert!(faults.contains(name), "{name} in {faults}");
    }
}

#[tokio::test]
async fn startup_fails_if_known_users_would_be_created_again() {
    let folder = TempDir::new().unwrap();
    let issuer = TestIssuer::new("https://id.example.com");
    let database = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("users").display()
    );
    let granted = run(
        &[("DATABASE_URL", &database)],
        &["grant-admin", issuer.name(), "ana"],
    );
    assert!(granted.status.success(), "{granted:?}");
    let db = Database::connect(&database).await.unwrap();
    let change = "UPDATE user_identities SET subject_strategy = '/uid'";
    db.execute_unprepared(change).await.unwrap();
    db.close().await.unwrap();

    let refusal = refusal(&[
        ("LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", &database),
        ("ISSUER_URL", issuer.name()),
        ("AUDIENCE", "orders"),
        ("JWKS_FILE", &published(folder.path(), &issuer)),
    ]);
    let names_it = "subjects were read from `/uid`, but `/sub` is configured";
    assert!(refusal.contains(names_it), "{refusal}");
}

#[test]
fn the_sqlite_file_is_readable_by_its_owner_only() {
    for named in [
        "sqlite://FOLDER/users.sqlite?mode=rwc",
        "sqlite:FOLDER/users.sqlite?mode=rwc",
        "sqlite://FOLDER/the%20users.sqlite?mode=rwc",
        "sqlite://FOLDER/users.sqlite?cache=private&mode=rwc",
    ] {
        let folder = TempDir::new().unwrap();
        let database = named.replace("FOLDER", &folder.path().display().to_string());
        let arguments = ["grant-admin", "https://id.example.com", "ana"];
        let granted = run(&[("DATABASE_URL", &database)], &arguments);
        assert!(granted.status.success(), "{granted:?}");
        let files: Vec<_> = fs::read_dir(folder.path())
            .unwrap()
            .map(Result::unwrap)
            .collect();
        let names: Vec<_> = files.iter().map(DirEntry::file_name).collect();
        let is_decoded = |name: &OsString| !name.to_string_lossy().contains('%');
        assert!(
            !names.is_empty() && names.iter().all(is_decoded),
            "{names:?}"
        );
        for file in files {
            let mode = file.metadata().unwrap().permissions().mode();
            assert_eq!(
                mode & 0o077,
                0,
                "{named}: {:?} has {mode:o}",
                file.file_name()
            );
        }
    }
    // An in-memory database creates no file.
    let folder = TempDir::new().unwrap();
    let mut granting = command(&[("DATABASE_URL", "sqlite::memory:?mode=rwc")]);
    let granting = granting.args(["grant-admin", "https://id.example.com", "ana"]);
    let granted = granting.current_dir(folder.path()).output().unwrap();
    assert!(granted.status.success(), "{granted:?}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 0);
}

#[test]
fn an_issuer_without_usable_keys_does_not_start() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("jwks.json");
    fs::write(&file, r#"{"keys":[]}"#).unwrap();
    let file = file.display().to_string();
    let variables = [
        ("LISTEN", "127.0.0.1:0"),
        ("DATABASE_URL", "sqlite::memory:"),
        ("ISSUER_URL", "https://id.example.com"),
        ("AUDIENCE", "orders"),
        ("JWKS_FILE", &file),
    ];
    assert!(refusal(&variables).contains("no_keys"));
}

#[tokio::test]
async fn an_external_issuer_is_trusted_and_the_development_issuer_is_gone() {
    let folder = TempDir::new().unwrap();
    let issuer = TestIssuer::new("https://id.example.com");
    let server = Server::start_with(&[
        ("ISSUER_URL", issuer.name()),
        ("AUDIENCE", "orders"),
        ("JWKS_FILE", &published(folder.path(), &issuer)),
    ]);
    for path in ["/dev-issuer/token", "/dev-issuer/jwks.json"] {
        server.get(path, None).await.is_problem(404, "not_found");
    }
    let forged = TestIssuer::new(format!("{}/dev-issuer", server.base));
    let forged = forged
        .token("eve")
        .audience("tower-jit-provisioning-server")
        .sign();
    server
        .get("/api/v1/users/me", Some(&forged))
        .await
        .is_problem(401, "invalid_token");
    let token = issuer.token("ana").audience("orders").sign();
    let me = server.get("/api/v1/users/me", Some(&token)).await;
    assert_eq!(
        (me.status, me.text("outcome").as_str()),
        (200, "created"),
        "{me:?}"
    );
}

#[tokio::test]
async fn grant_admin_makes_an_administrator_before_or_after_their_first_request() {
    let folder = TempDir::new().unwrap();
    let issuer = TestIssuer::new("https://id.example.com");
    let server = Server::start_with(&[
        ("ISSUER_URL", issuer.name()),
        ("AUDIENCE", "orders"),
        ("JWKS_FILE", &published(folder.path(), &issuer)),
        // `grant-admin` runs in another process, and SQLite has no notifications to invalidate the
        // cache.
        ("USER_CACHE_SECONDS", "0"),
    ]);
    let list = |subject: &str| issuer.token(subject).audience("orders").sign();
    let (ana, root) = (list("ana"), list("root"));
    server
        .get("/api/v1/users/", Some(&ana))
        .await
        .is_problem(403, "no_role");

    let database = [("DATABASE_URL", server.database.as_str())];
    for (subject, how, what) in [
        ("root", "registered", "is an administrator now"),
        ("root", "known", "was an administrator before"),
        ("ana", "known", "is an administrator now"),
    ] {
        let output = run(&database, &["grant-admin", issuer.name(), subject]);
        let printed = String::from_utf8_lossy(&output.stdout).into_owned();
        assert!(output.status.success(), "{output:?}");
        assert!(printed.contains(how) && printed.contains(what), "{printed}");
    }
    for token in [&ana, &root] {
        let answer = server.get("/api/v1/users/", Some(token)).await;
        assert_eq!(answer.status, 200, "{answer:?}");
    }
    let me = server.get("/api/v1/users/me", Some(&root)).await;
    assert_eq!(
        me.text("outcome"),
        "found",
        "a registered identity is found"
    );
    let bad = run(&database, &["grant-admin", "", "x"]);
    assert!(!bad.status.success());
    let usage = run(&database, &["make-coffee"]);
    assert!(String::from_utf8_lossy(&usage.stderr).contains("usage"));
}

#[tokio::test]
async fn a_request_in_progress_finishes_after_sigterm() {
    let mut server = Server::start();
    let address = server.base.strip_prefix("http://").unwrap();
    let mut connection = TcpStream::connect(address).await.unwrap();
    let body = br#"{"email":"bob@example.com","password":"correct horse","full_name":"Bob"}"#;
    let head = format!(
        "POST /api/v1/users/ HTTP/1.1\r\nhost: {address}\r\ncontent-type: application/json\r\n\
         content-length: {}\r\nexpect: 100-continue\r\nconnection: close\r\n\r\n",
        body.len()
    );
    connection.write_all(head.as_bytes()).await.unwrap();
    let mut interim = [0; 64];
    let read = connection.read(&mut interim).await.unwrap();
    let interim = String::from_utf8_lossy(&interim[..read]).into_owned();
    assert!(
        interim.starts_with("HTTP/1.1 100"),
        "no interim response: {interim}"
    );

    let ending = tokio::task::spawn_blocking(move || (server.terminate(), server));
    connection.write_all(body).await.unwrap();
    let mut answer = String::new();
    connection.read_to_string(&mut answer).await.unwrap();
    assert!(answer.starts_with("HTTP/1.1 201"), "{answer}");
    let (status, server) = ending.await.unwrap();
    assert!(status.success());
    assert!(server.log().contains("stopped"), "{}", server.log());
}

#[tokio::test]
async fn password_sign_up_can_be_switched_off() {
    let server = Server::start_with(&[("DEV_ISSUER", "on"), ("PASSWORD_SIGN_UP", "off")]);
    let bob = json!({"email": "bob@example.com", "password": "correct horse", "full_name": "Bob"});
    let refused = server.post("/api/v1/users/", &bob).await;
    refused.is_problem(403, "sign_up_closed");
    let login = json!({"email": "bob@example.com", "password": "correct horse"});
    let unknown = server.post("/api/v1/login", &login).await;
    unknown.is_problem(401, "invalid_credentials");
    // Users of the issuer are not affected by the setting.
    let ana = server.token_for("ana", "ana@example.com").await;
    server.get("/api/v1/users/me", Some(&ana)).await.is_ok();
}
