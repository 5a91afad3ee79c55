//! Sources of tokens: their order, cookies and cross-site requests, and behaviour that needs a real
//! socket: WebSocket and server-sent events.

use std::net::SocketAddr;

use axum::{
    Router,
    body::Body,
    extract::ws::{Message, WebSocketUpgrade},
    response::sse::{Event, Sse},
    routing::{any, get},
};
use futures_util::{SinkExt, StreamExt, stream};
use http::{
    Request, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, COOKIE, HOST, ORIGIN, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Empty};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use tokio::net::TcpListener;
use tokio_tungstenite::{
    connect_async,
    tungstenite::{self, client::IntoClientRequest},
};
use tower::ServiceExt;
use tower_jit_provisioning::{
    CurrentUser, Error, ErrorKind, Identity, MemoryProvisioner, MemoryUser, ProvisionLayer,
    TokenSource,
    credential::RequestHead,
    testing::{TestIssuer, TokenBuilder},
};

use crate::issuer::{AUDIENCE, issuer, layer};

fn token(issuer: &TestIssuer, subject: &str) -> TokenBuilder {
    issuer.token(subject).audience(AUDIENCE)
}

/// Reads the header, then a cookie, then a query parameter.
fn three_sources(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    let ticket = TokenSource::from_fn(|request: &RequestHead<'_>| {
        let query = request.uri().query().unwrap_or_default();
        let tickets = query
            .split('&')
            .filter_map(|pair| pair.strip_prefix("ticket="));
        tickets.map(str::to_owned).collect()
    });
    layer(issuer).with_token_sources([
        TokenSource::authorization(),
        TokenSource::cookie("session").allow_origin("https://app.example.com"),
        ticket,
    ])
}

async fn whoami(
    user: Option<CurrentUser<MemoryUser>>,
    identity: Option<axum::Extension<Identity>>,
) -> String {
    match (user, identity) {
        (Some(_), Some(identity)) => identity.subject().to_owned(),
        _ => "nobody".to_owned(),
    }
}

fn app(layer: ProvisionLayer<MemoryProvisioner>) -> Router {
    Router::new().route("/", any(whoami)).layer(layer)
}

async fn ask(
    app: &Router,
    request: http::request::Builder,
) -> Result<String, (u16, ErrorKind, String)> {
    let request = request.body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    let text = String::from_utf8(body.into()).unwrap();
    match parts.extensions.get::<Error>() {
        None => {
            assert_eq!(parts.status, StatusCode::OK);
            Ok(text)
        }
        Some(error) => Err((parts.status.as_u16(), error.kind(), error.code().to_owned())),
    }
}

#[tokio::test]
async fn the_first_source_that_holds_a_token_is_read() {
    let issuer = issuer();
    let app = app(three_sources(&issuer));
    let (header, cookie, ticket) = (
        token(&issuer, "header").bearer(),
        format!("session={}", token(&issuer, "cookie").sign()),
        format!("/?ticket={}", token(&issuer, "ticket").sign()),
    );
    let get = |uri: &str| Request::get(uri).header(HOST, "api.example.com");
    assert_eq!(ask(&app, get(&ticket)).await.unwrap(), "ticket");
    let request = get(&ticket).header(COOKIE, &cookie);
    assert_eq!(ask(&app, request).await.unwrap(), "cookie");
    let request = get(&ticket)
        .header(COOKIE, &cookie)
        .header(AUTHORIZATION, &header);
    assert_eq!(ask(&app, request).await.unwrap(), "header");
    // A header with another scheme is not a credential, so the next source is read.
    let request = get(&ticket)
        .header(COOKIE, &cookie)
        .header(AUTHORIZATION, "Basic dTpw");
    assert_eq!(ask(&app, request).await.unwrap(), "cookie");
    let (status, kind, _) = ask(&app, get("/")).await.unwrap_err();
    assert_eq!((status, kind), (401, ErrorKind::MissingToken));
}

#[tokio::test]
async fn an_invalid_credential_is_not_followed_by_another_source() {
    let issuer = issuer();
    let good = token(&issuer, "ana");
    let (cookie, ticket) = (
        format!("session={}", good.sign()),
        format!("/?ticket={}", good.sign()),
    );
    let expired = good.clone().claim("exp", 1);
    for layer in [
        three_sources(&issuer),
        three_sources(&issuer).allow_anonymous(),
    ] {
        let app = app(layer);
        let get = || Request::get(&ticket).header(HOST, "api.example.com");
        for (request, expected) in [
            (
                get()
                    .header(COOKIE, &cookie)
                    .header(AUTHORIZATION, expired.bearer()),
                ErrorKind::InvalidToken,
            ),
            (
                get()
                    .header(COOKIE, &cookie)
                    .header(AUTHORIZATION, "Bearer"),
                ErrorKind::InvalidRequest,
            ),
            (
                get()
                    .header(AUTHORIZATION, "Basic dTpw")
                    .header(AUTHORIZATION, "Basic dTpw"),
                ErrorKind::InvalidRequest,
            ),
            (
                get().header(COOKIE, format!("session={}", expired.sign())),
                ErrorKind::InvalidToken,
            ),
            (
                get().header(COOKIE, "session=garbage"),
                ErrorKind::InvalidToken,
            ),
            (
                get().header(COOKIE, format!("{cookie}; {cookie}")),
                ErrorKind::InvalidRequest,
            ),
        ] {
            let (_, kind, _) = ask(&app, request).await.unwrap_err();
            assert_eq!(kind, expected);
        }
        let twice = format!("{ticket}&ticket={}", good.sign());
        let (status, kind, _) = ask(&app, Request::get(twice)).await.unwrap_err();
        assert_eq!((status, kind), (400, ErrorKind::InvalidRequest));
    }
}

#[tokio::test]
async fn sources_that_are_not_configured_are_not_read() {
    let issuer = issuer();
    let good = token(&issuer, "ana");
    let cookie = format!("session={}", good.sign());
    let request = || {
        Request::get("/")
            .header(AUTHORIZATION, good.bearer())
            .header(COOKIE, &cookie)
    };
    let only_cookie = layer(&issuer).with_token_sources([TokenSource::cookie("other")]);
    let (_, kind, _) = ask(&app(only_cookie), request()).await.unwrap_err();
    assert_eq!(kind, ErrorKind::MissingToken);
    let none = layer(&issuer).with_token_sources([]);
    let (_, kind, _) = ask(&app(none), request()).await.unwrap_err();
    assert_eq!(kind, ErrorKind::MissingToken);
    let default = app(layer(&issuer));
    let request = Request::get("/").header(COOKIE, &cookie);
    let (_, kind, _) = ask(&default, request).await.unwrap_err();
    assert_eq!(kind, ErrorKind::MissingToken);
}

#[tokio::test]
async fn a_cookie_on_a_cross_site_request_is_refused() {
    let issuer = issuer();
    let cookie = format!("session={}", token(&issuer, "ana").sign());
    let layer = three_sources(&issuer);
    for app in [app(layer.clone()), app(layer.allow_anonymous())] {
        let post = || {
            Request::post("/")
                .header(HOST, "api.example.com")
                .header(COOKIE, &cookie)
        };
        for request in [
            post(),
            post().header(ORIGIN, "https://evil.org"),
            post().header(ORIGIN, "null"),
            post().header("sec-fetch-site", "cross-site"),
            post().header("sec-fetch-site", "same-site"),
            post()
                .method("GET")
                .header("upgrade", "websocket")
                .header(ORIGIN, "https://evil.org"),
        ] {
            let refused = ask(&app, request).await.unwrap_err();
            let cross_site = "cross_site_request".to_owned();
            assert_eq!(refused, (403, ErrorKind::Denied, cross_site));
        }
        for request in [
            post().header(ORIGIN, "https://api.example.com"),
            post().header(ORIGIN, "https://app.example.com"),
            post().header("sec-fetch-site", "same-origin"),
            post().method("GET").header("sec-fetch-site", "cross-site"),
            // A browser does not send the token in the header by itself.
            post()
                .header(ORIGIN, "https://evil.org")
                .header(AUTHORIZATION, token(&issuer, "ana").bearer()),
        ] {
            assert_eq!(ask(&app, request).await.unwrap(), "ana");
        }
    }
}

#[tokio::test]
async fn a_cookie_over_grpc_is_accepted_only_from_the_same_origin() {
    let issuer = issuer();
    let app = app(three_sources(&issuer));
    let cookie = format!("session={}", token(&issuer, "ana").sign());
    let call = || {
        Request::post("/")
            .header(HOST, "api.example.com")
            .header(CONTENT_TYPE, "application/grpc")
            .header(COOKIE, &cookie)
    };
    let request = call().body(Body::empty()).unwrap();
    let response = app.clone().oneshot(request).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()["grpc-status"], "7");
    assert_eq!(response.headers()["grpc-message"], "cross_site_request");
    assert!(!response.headers().contains_key(WWW_AUTHENTICATE));
    let own = call().header(ORIGIN, "https://api.example.com");
    assert_eq!(ask(&app, own).await.unwrap(), "ana");
}

async fn greet(
    user: CurrentUser<MemoryUser>,
    upgrade: WebSocketUpgrade,
) -> axum::response::Response {
    upgrade.on_upgrade(async move |mut socket| {
        while let Some(Ok(Message::Text(name))) = socket.recv().await {
            let text = format!("{name} is user {}", user.id);
            if socket.send(Message::text(text)).await.is_err() {
                return;
            }
        }
    })
}

async fn events(
    user: CurrentUser<MemoryUser>,
) -> Sse<impl futures_util::Stream<Item = Result<Event, axum::Error>>> {
    let id = user.id;
    Sse::new(stream::iter((1..=3).map(move |number| {
        Ok(Event::default().data(format!("{number} for {id}")))
    })))
}

async fn served(issuer: &TestIssuer) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = Router::new()
        .route("/ws", any(greet))
        .route("/events", get(events))
        .layer(three_sources(issuer));
    tokio::spawn(async move { axum::serve(listener, app).await });
    address
}

#[tokio::test]
async fn a_websocket_opens_with_a_header_or_a_same_site_cookie() {
    let issuer = issuer();
    let address = served(&issuer).await;
    let ana = token(&issuer, "ana");
    let cookie = format!("session={}", ana.sign());
    let handshake = |headers: &[(&'static str, String)]| {
        let mut request = format!("ws://{address}/ws").into_client_request().unwrap();
        for (name, value) in headers {
            request.headers_mut().insert(*name, value.parse().unwrap());
        }
        request
    };
    let own = format!("http://{address}");
    for headers in [
        vec![("authorization", ana.bearer())],
        vec![("cookie", cookie.clone()), ("origin", own)],
    ] {
        let (mut socket, response) = connect_async(handshake(&headers)).await.unwrap();
        assert_eq!(response.status(), StatusCode::SWITCHING_PROTOCOLS);
        socket
            .send(tungstenite::Message::text("ana"))
            .await
            .unwrap();
        let answer = socket.next().await.unwrap().unwrap();
        assert_eq!(answer.into_text().unwrap().as_str(), "ana is user 1");
        socket.close(None).await.unwrap();
    }
    for (headers, status) in [
        (vec![], 401),
        (vec![("authorization", "Bearer a.b.c".to_owned())], 401),
        (vec![("cookie", cookie.clone())], 403),
        (
            vec![
                ("cookie", cookie),
                ("origin", "https://evil.org".to_owned()),
            ],
            403,
        ),
    ] {
        let error = connect_async(handshake(&headers)).await.unwrap_err();
        let tungstenite::Error::Http(response) = error else {
            panic!("{error}");
        };
        assert_eq!(response.status(), status, "{headers:?}");
    }
}

#[tokio::test]
async fn server_sent_events_stream_with_a_header_or_a_cookie() {
    let issuer = issuer();
    let address = served(&issuer).await;
    let ana = token(&issuer, "ana");
    let client = Client::builder(TokioExecutor::new()).build_http();
    let ask = async |name: &str, value: String| {
        let request = Request::get(format!("http://{address}/events"))
            .header(name, value)
            .body(Empty::<bytes::Bytes>::new())
            .unwrap();
        let (parts, body) = client.request(request).await.unwrap().into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.into()).unwrap())
    };
    for (name, value) in [
        ("authorization", ana.bearer()),
        ("cookie", format!("session={}", ana.sign())),
    ] {
        let (parts, body) = ask(name, value).await;
        assert_eq!(parts.status, 200);
        assert_eq!(parts.headers[CONTENT_TYPE], "text/event-stream");
        assert_eq!(body, "data: 1 for 1\n\ndata: 2 for 1\n\ndata: 3 for 1\n\n");
    }
    let (parts, body) = ask("cookie", "session=garbage".to_owned()).await;
    assert_eq!(parts.status, 401);
    assert_eq!(
        parts.headers[WWW_AUTHENTICATE],
        "Bearer error=\"invalid_token\""
    );
    assert!(body.contains("invalid_token"));
}
