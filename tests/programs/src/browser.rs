//! Requests by a page in a real browser to an API on another origin.

use std::{path::Path, process::Stdio};

use axum::{
    Json, Router,
    extract::{State, ws::WebSocketUpgrade},
    response::Html,
    routing::{any, get, post},
};
use http::{
    HeaderValue, Method,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::{
    net::TcpListener,
    process::{Child, Command},
    sync::mpsc,
    time::timeout,
};
use tower_http::cors::CorsLayer;
use tower_jit_provisioning::{
    CurrentUser, JwtVerifier, MemoryProvisioner, MemoryUser, ProvisionLayer, RequireLayer,
    TokenSource, testing::TestIssuer,
};

use crate::{PATIENCE, succeeds};

const NAMES: [&str; 3] = ["chromium", "chromium-browser", "google-chrome"];

fn program() -> Option<&'static str> {
    NAMES
        .into_iter()
        .find(|name| succeeds(name, &["--version"]))
}

pub(crate) fn missing() -> Option<&'static str> {
    program().is_none().then_some("chromium is not installed")
}

/// Opens a page in a browser that is killed when the handle is dropped.
fn open(url: &str, profile: &Path) -> Child {
    Command::new(program().expect("there is a browser"))
        .args([
            "--headless=new",
            "--no-sandbox",
            "--disable-gpu",
            "--disable-dev-shm-usage",
        ])
        .args([
            "--no-first-run",
            "--disable-background-networking",
            "--disable-sync",
        ])
        .arg(format!("--user-data-dir={}", profile.display()))
        .arg(url)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the browser starts")
}

async fn me(user: CurrentUser<MemoryUser>) -> String {
    format!("user {}", user.id)
}

fn api(issuer: &TestIssuer, page: &str, other: &str) -> Router {
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let sources = |cookie: TokenSource| [TokenSource::authorization(), cookie];
    let layer = ProvisionLayer::new(verifier, MemoryProvisioner::new());
    let strict = layer
        .clone()
        .with_token_sources(sources(TokenSource::cookie("session")));
    let lenient = TokenSource::cookie("session").allow_origin(page);
    let lenient = layer.with_token_sources(sources(lenient));
    let allowed = [page, other].map(|origin| HeaderValue::try_from(origin).unwrap());
    let cors = CorsLayer::new()
        .allow_origin(allowed)
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([AUTHORIZATION])
        .allow_credentials(true)
        .expose_headers([WWW_AUTHENTICATE]);
    let upgrade = any(
        async |_: CurrentUser<MemoryUser>, upgrade: WebSocketUpgrade| {
            upgrade.on_upgrade(async |_| ())
        },
    );
    Router::new()
        .route("/me", get(me).post(me))
        .route("/orders", get(me).layer(RequireLayer::scope("orders:read")))
        .route("/ws", upgrade)
        .layer(strict)
        .merge(Router::new().route("/lenient", post(me)).layer(lenient))
        .layer(cors)
}

pub(crate) async fn fetch_reads_answers_of_another_origin() {
    let bind = || TcpListener::bind("127.0.0.1:0");
    let (page_listener, api_listener) = (bind().await.unwrap(), bind().await.unwrap());
    let origin = |listener: &TcpListener| format!("http://{}", listener.local_addr().unwrap());
    let (page_url, api_url) = (origin(&page_listener), origin(&api_listener));
    let issuer = TestIssuer::new("https://id.example.com");
    let api = api(&issuer, &page_url, &api_url);
    let (sender, mut reports) = mpsc::channel(1);
    let html = include_str!("page.html")
        .replace("@api@", &api_url)
        .replace(
            "@token@",
            &issuer.token("ana").audience("orders-api").sign(),
        );
    let report = async |State(sender): State<mpsc::Sender<Value>>, Json(report): Json<Value>| {
        let _ = sender.send(report).await;
    };
    let page = Router::new()
        .route("/", get(async || Html(html)))
        .route("/report", post(report))
        .with_state(sender);
    tokio::spawn(async move { axum::serve(api_listener, api).await });
    tokio::spawn(async move { axum::serve(page_listener, page).await });

    let profile = TempDir::new().unwrap();
    let mut browser = open(&format!("{page_url}/"), profile.path());
    let report = timeout(PATIENCE, reports.recv()).await;
    browser.kill().await.expect("the browser ends");
    let result = |status: u16, challenge: Value, body: &str| json!({"status": status, "challenge": challenge, "body": body});
    let scope = "Bearer error=\"insufficient_scope\", scope=\"orders:read\"";
    assert_eq!(
        report.expect("the page reports in time").expect("a report"),
        json!({
            "good": result(200, Value::Null, "user 1"),
            "missing": result(401, json!("Bearer"), "missing_token"),
            "bad": result(401, json!("Bearer error=\"invalid_token\""), "invalid_token"),
            "scope": result(403, json!(scope), "insufficient_scope"),
            "cookie read": result(200, Value::Null, "user 1"),
            "cookie write": result(403, Value::Null, "cross_site_request"),
            "cookie write, allowed": result(200, Value::Null, "user 1"),
            "cookie socket": "refused",
        })
    );
}
