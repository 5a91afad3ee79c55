//! Changes that a rejection hook can and cannot make to a rejection.

use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::{
    Response, StatusCode,
    header::{CONTENT_TYPE, LOCATION, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Full};
use tokio::net::TcpListener;
use tower_jit_provisioning::{
    DenialReason, Error, ErrorKind, ProvisionError, ProvisionLayer, rejection::Protocol,
    testing::TestIssuer,
};

use super::app::{
    INVALID_REQUEST, INVALID_TOKEN, Refusal, Refusing, layer, passes, request, router,
};
use crate::issuer::{issuer, scoped_token, scoped_verifier};

#[tokio::test]
async fn a_hook_sets_body_and_headers() {
    let issuer = issuer();
    let seen = Arc::new(Mutex::new(Vec::new()));
    let hook = {
        let seen = Arc::clone(&seen);
        move |error: &Error, protocol: Protocol| {
            seen.lock().unwrap().push((error.kind(), protocol));
            Response::builder()
                .header(CONTENT_TYPE, "text/plain")
                .header("x-code", error.code())
                .body(Bytes::from_static(b"go away"))
                .unwrap()
        }
    };
    let app = router().layer(layer(&issuer).with_rejection(hook));
    let refusal = Refusal::of(app.clone(), request("/me", &[])).await;
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.header(WWW_AUTHENTICATE), Some("Bearer"));
    assert_eq!(refusal.header(CONTENT_TYPE), Some("text/plain"));
    assert_eq!(refusal.header("x-code"), Some("missing_token"));
    assert_eq!(refusal.body, "go away");
    // This request is rejected after waiting.
    let refusal = Refusal::of(app.clone(), request("/me", &["Bearer a.b.c"])).await;
    assert_eq!(refusal.status, 401);
    assert_eq!(refusal.header(WWW_AUTHENTICATE), INVALID_TOKEN);
    assert_eq!(refusal.body, "go away");
    passes(app, request("/me", &[&scoped_token(&issuer).bearer()])).await;
    assert_eq!(
        *seen.lock().unwrap(),
        [
            (ErrorKind::MissingToken, Protocol::Http),
            (ErrorKind::InvalidToken, Protocol::Http),
        ]
    );
}

#[tokio::test]
async fn a_hook_cannot_turn_a_rejection_into_another_response() {
    let issuer = issuer();
    let other = TestIssuer::new("https://id.example.org");
    let hook = |_: &Error, _: Protocol| {
        Response::builder()
            .status(StatusCode::FOUND)
            .header(LOCATION, "/login")
            .header(WWW_AUTHENTICATE, "Basic realm=\"mine\"")
            .header(WWW_AUTHENTICATE, "Negotiate")
            .header(RETRY_AFTER, "120")
            .body(Bytes::from_static(b"welcome"))
            .unwrap()
    };
    let unavailable = || Refusing(ProvisionError::unavailable("down"));
    let denied = || Refusing(DenialReason::NoRole.into());
    let bearer = scoped_token(&issuer).bearer();
    let app = |refusing: Refusing| {
        let layer = ProvisionLayer::new(scoped_verifier(&issuer), refusing);
        router().layer(layer.with_rejection(hook))
    };
    for (app, authorization, kind, status, challenge) in [
        (
            app(denied()),
            vec![],
            ErrorKind::MissingToken,
            401,
            Some("Bearer"),
        ),
        (
            app(denied()),
            vec!["Bearer".to_owned()],
            ErrorKind::InvalidRequest,
            400,
            INVALID_REQUEST,
        ),
        (
            app(denied()),
            vec![scoped_token(&other).bearer()],
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
        ),
        (
            app(denied()),
            vec![scoped_token(&issuer).claim("scope", "").bearer()],
            ErrorKind::InsufficientScope,
            403,
            Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\""),
        ),
        (
            app(denied()),
            vec![bearer.clone()],
            ErrorKind::Denied,
            403,
            None,
        ),
        (
            app(unavailable()),
            vec![bearer],
            ErrorKind::Unavailable,
            503,
            None,
        ),
    ] {
        let values: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app, request("/me", &values)).await;
        assert_eq!(refusal.status, status, "{kind:?}");
        assert_eq!(refusal.error.kind(), kind);
        let challenges: Vec<_> = refusal.headers.get_all(WWW_AUTHENTICATE).iter().collect();
        assert_eq!(
            challenges.len(),
            usize::from(challenge.is_some()),
            "{kind:?}"
        );
        assert_eq!(refusal.header(WWW_AUTHENTICATE), challenge, "{kind:?}");
        // A hook may set a better delay for the retry.
        assert_eq!(refusal.header(RETRY_AFTER), Some("120"), "{kind:?}");
        assert_eq!(refusal.body, "welcome");
    }
}

#[tokio::test]
async fn a_hook_cannot_change_framing_or_connection_headers() {
    let issuer = issuer();
    let hook = |_: &Error, _: Protocol| {
        Response::builder()
            .header("content-length", "3")
            .header("transfer-encoding", "chunked")
            .header("trailer", "x-late")
            .header("te", "trailers")
            .header("connection", "upgrade")
            .header("upgrade", "websocket")
            .header("x-mine", "kept")
            .body(Bytes::from_static(b"longer than three"))
            .unwrap()
    };
    let app = router().layer(layer(&issuer).with_rejection(hook));
    let refusal = Refusal::of(app.clone(), request("/me", &[])).await;
    assert_eq!(refusal.header("x-mine"), Some("kept"));
    for name in [
        "transfer-encoding",
        "trailer",
        "te",
        "connection",
        "upgrade",
    ] {
        assert_eq!(refusal.header(name), None, "{name}");
    }

    // A connection stays open after such a rejection.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    tokio::spawn(async move { axum::serve(listener, app).await });
    let stream = tokio::net::TcpStream::connect(address).await.unwrap();
    let io = hyper_util::rt::TokioIo::new(stream);
    let (mut sender, connection) = hyper::client::conn::http1::handshake(io).await.unwrap();
    tokio::spawn(connection);
    for _ in 0..3 {
        let request = http::Request::get("/me").header("host", "localhost");
        let request = request.body(Full::<Bytes>::default()).unwrap();
        sender.ready().await.unwrap();
        let response = sender.send_request(request).await.unwrap();
        assert_eq!(response.status(), 401);
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "longer than three");
    }
}
