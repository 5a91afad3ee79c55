//! Challenges with the resource's metadata URL, and a client over a real connection.

use bytes::Bytes;
use http::header::{AUTHORIZATION, CONTENT_TYPE, WWW_AUTHENTICATE};
use http_body_util::{BodyExt, Full};
use hyper_util::{client::legacy::Client, rt::TokioExecutor};
use serde_json::Value;
use tokio::net::TcpListener;
use tower::ServiceExt;
use tower_jit_provisioning::resource_metadata::ResourceMetadata;

use super::app::{INVALID_REQUEST, INVALID_TOKEN, Refusal, layer, request, router, text};
use crate::issuer::{ISSUER, SCOPE, issuer, scoped_token};

#[tokio::test]
async fn every_challenge_names_the_resources_metadata() {
    const URL: &str = "https://api.example.com/.well-known/oauth-protected-resource/orders";
    let issuer = issuer();
    let metadata = ResourceMetadata::new("https://api.example.com/orders")
        .unwrap()
        .add_authorization_server(ISSUER)
        .add_scope(SCOPE)
        .with_name("Orders")
        .with_documentation("https://docs.example.com/orders");
    let layer = layer(&issuer).with_resource_metadata(&metadata);
    let app = router()
        .layer(layer)
        .route_service(metadata.path(), metadata.clone());
    for (authorization, parameters) in [
        (vec![], String::new()),
        (
            vec!["Bearer".to_owned()],
            "error=\"invalid_request\", ".to_owned(),
        ),
        (
            vec!["Bearer a.b.c".to_owned()],
            "error=\"invalid_token\", ".to_owned(),
        ),
        (
            vec![scoped_token(&issuer).claim("scope", "").bearer()],
            format!("error=\"insufficient_scope\", scope=\"{SCOPE}\", "),
        ),
    ] {
        let values: Vec<&str> = authorization.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let challenge = format!("Bearer {parameters}resource_metadata=\"{URL}\"");
        assert_eq!(refusal.header(WWW_AUTHENTICATE), Some(&*challenge));
    }
    // The document is public, at the address that the challenge names.
    let path = URL.strip_prefix("https://api.example.com").unwrap();
    let response = app.clone().oneshot(request(path, &[])).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(response.headers()[CONTENT_TYPE], "application/json");
    assert_eq!(response.headers()["cache-control"], "public, max-age=3600");
    let document: Value = serde_json::from_str(&text(response).await).unwrap();
    assert_eq!(
        document,
        serde_json::json!({
            "resource": "https://api.example.com/orders",
            "authorization_servers": [ISSUER],
            "scopes_supported": [SCOPE],
            "bearer_methods_supported": ["header"],
            "resource_name": "Orders",
            "resource_documentation": "https://docs.example.com/orders",
        })
    );
    let mut request = request(path, &[]);
    *request.method_mut() = http::Method::POST;
    let response = app.oneshot(request).await.unwrap();
    assert_eq!(response.status(), 405);
    assert_eq!(response.headers()["allow"], "GET, HEAD");
}

#[tokio::test]
async fn a_client_over_a_real_connection_gets_the_same_responses() {
    let issuer = issuer();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let app = router().layer(layer(&issuer));
    let server = tokio::spawn(async move { axum::serve(listener, app).await });
    let client = Client::builder(TokioExecutor::new()).build_http::<Full<Bytes>>();
    let ask = async |authorization: &[&str]| {
        let mut request = http::Request::get(format!("http://{address}/me"));
        for value in authorization {
            request = request.header(AUTHORIZATION, *value);
        }
        let request = request.body(Full::default()).unwrap();
        let response = client.request(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        (parts, String::from_utf8(body.into()).unwrap())
    };
    let bearer = scoped_token(&issuer).bearer();

    let (parts, body) = ask(&[&bearer]).await;
    assert_eq!((parts.status.as_u16(), &*body), (200, "1 created"));
    let (parts, body) = ask(&[&bearer]).await;
    assert_eq!((parts.status.as_u16(), &*body), (200, "1 found"));
    for (authorization, status, challenge, code) in [
        (vec![], 401, "Bearer", "missing_token"),
        (
            vec!["Bearer a.b.c"],
            401,
            INVALID_TOKEN.unwrap(),
            "invalid_token",
        ),
        (
            vec![bearer.as_str(), bearer.as_str()],
            400,
            INVALID_REQUEST.unwrap(),
            "invalid_request",
        ),
    ] {
        let (parts, body) = ask(&authorization).await;
        assert_eq!(parts.status, status, "{code}");
        assert_eq!(parts.headers[WWW_AUTHENTICATE], challenge);
        assert_eq!(parts.headers[CONTENT_TYPE], "application/problem+json");
        let problem: Value = serde_json::from_str(&body).unwrap();
        assert_eq!(problem["code"], code);
    }
    server.abort();
}
