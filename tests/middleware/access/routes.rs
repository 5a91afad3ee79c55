//! Placement of requirements: behind the layer or without it, on a route, a router or a path.

use std::convert::Infallible;

use axum::{
    Router,
    body::Body,
    routing::{delete, get},
};
use bytes::Bytes;
use http::{
    Request, Response,
    header::{CONTENT_TYPE, WWW_AUTHENTICATE},
};
use http_body_util::BodyExt;
use tower::{Layer, ServiceBuilder, ServiceExt, service_fn};
use tower_jit_provisioning::{
    Error, MemoryUser, RequireLayer, access::Require, rejection::Protocol,
    resource_metadata::ResourceMetadata,
};
use tower_test::mock;

use super::{
    app::{Answer, behind, layer, request},
    requirements::Account,
};
use crate::issuer::{issuer, token};
use crate::log::logged;
use tracing::Level;

#[tokio::test]
async fn a_requirement_without_the_layer_is_a_server_error() {
    let issuer = issuer();
    let bearer = token(&issuer).claim("scope", "read").bearer();
    let misplaced = [
        Router::new()
            .route("/orders", get(async || "orders"))
            .layer(RequireLayer::scope("read")),
        // Outside the layer instead of inside it.
        Router::new()
            .route("/orders", get(async || "orders"))
            .layer(layer(&issuer))
            .layer(RequireLayer::scope("read")),
        // For another user type.
        behind(layer(&issuer), RequireLayer::role::<Account>("owner")),
    ];
    for app in misplaced {
        let log = logged(Level::ERROR, async {
            let answer = Answer::of(&app, request("/orders", Some(&bearer))).await;
            assert_eq!(answer.status, 500);
            assert_eq!(answer.code.as_deref(), Some("internal_error"));
            assert_eq!(answer.challenge(), None);
            let mut call = request("/orders", Some(&bearer));
            let grpc = "application/grpc".parse().unwrap();
            call.headers_mut().insert(CONTENT_TYPE, grpc);
            let answer = Answer::of(&app, call).await;
            assert_eq!(
                (answer.status, answer.grpc()),
                (200, ("13", "internal_error"))
            );
        })
        .await;
        assert_eq!(
            log.matches("is `ProvisionLayer` outside of it").count(),
            2,
            "{log}"
        );
        assert!(log.contains("/orders"), "{log}");
        assert!(!log.contains("Bearer"), "{log}");
    }
}

#[tokio::test]
async fn requirements_apply_to_a_route_a_router_or_a_path() {
    let issuer = issuer();
    let app = Router::new()
        .route("/orders/{id}", delete(async || "deleted"))
        .route_layer(RequireLayer::role::<MemoryUser>("admin"))
        .route(
            "/orders",
            get(async || "orders").layer(RequireLayer::scope("read")),
        )
        .route("/health", get(async || "healthy"))
        .layer(RequireLayer::scope("metrics").on_paths(["/health"]))
        .layer(layer(&issuer));
    let ask = async |method: &str, path: &str, scopes: &str, roles: &[&str]| {
        let bearer = token(&issuer)
            .claim("scope", scopes)
            .claim("roles", roles)
            .bearer();
        let mut request = request(path, Some(&bearer));
        *request.method_mut() = method.parse().unwrap();
        Answer::of(&app, request).await.status
    };
    assert_eq!(ask("GET", "/orders", "read", &[]).await, 200);
    assert_eq!(ask("GET", "/orders", "", &["staff"]).await, 403);
    assert_eq!(ask("DELETE", "/orders/7", "read", &[]).await, 403);
    assert_eq!(ask("DELETE", "/orders/7", "", &["staff"]).await, 200);
    assert_eq!(ask("GET", "/health", "read", &["staff"]).await, 403);
    assert_eq!(ask("GET", "/health", "metrics", &[]).await, 200);
    // The query is not part of the path.
    assert_eq!(ask("GET", "/health?x=/orders", "read", &[]).await, 403);
    assert_eq!(ask("GET", "/missing", "", &[]).await, 404);
}

#[tokio::test]
async fn rejections_use_the_format_of_the_provisioning_layer() {
    let issuer = issuer();
    let envelope = |prefix: &'static str| {
        move |error: &Error, _: Protocol| {
            Response::new(Bytes::from(format!("{prefix}{}", error.code())))
        }
    };
    let text = async |app: Router| {
        let request = request("/orders", Some(&token(&issuer).bearer()));
        let response = app.oneshot(request).await.unwrap();
        assert_eq!(response.status(), 403);
        let challenge = response.headers()[WWW_AUTHENTICATE].to_str().unwrap();
        let challenge = challenge.to_owned();
        let body = response.into_body().collect().await.unwrap().to_bytes();
        (challenge, String::from_utf8(body.into()).unwrap())
    };
    let outer = layer(&issuer).with_rejection(envelope("outer "));
    let plain = "Bearer error=\"insufficient_scope\", scope=\"read\"";
    let (challenge, body) = text(behind(outer.clone(), RequireLayer::scope("read"))).await;
    assert_eq!((&*challenge, &*body), (plain, "outer insufficient_scope"));
    let own = RequireLayer::scope("read").with_rejection(envelope("own "));
    let (challenge, body) = text(behind(outer.clone(), own)).await;
    assert_eq!((&*challenge, &*body), (plain, "own insufficient_scope"));

    let metadata = ResourceMetadata::new("https://api.example.com").unwrap();
    let outer = outer.with_resource_metadata(&metadata);
    let (challenge, body) = text(behind(outer.clone(), RequireLayer::scope("read"))).await;
    assert_eq!(body, "outer insufficient_scope");
    assert_eq!(
        challenge,
        format!("{plain}, resource_metadata=\"{}\"", metadata.url())
    );
    // The innermost layer is the closest one.
    let app = behind(layer(&issuer), RequireLayer::scope("read")).layer(outer);
    let (challenge, body) = text(app).await;
    assert_eq!(challenge, plain);
    assert!(body.contains("\"code\":\"insufficient_scope\""), "{body}");
}

#[tokio::test]
async fn a_requirement_has_the_readiness_of_its_inner_service() {
    let (mut service, mut handle) = mock::spawn_layer::<Request<()>, Response<()>, _>(
        RequireLayer::scope("read").on_paths(["/guarded"]),
    );
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    handle.allow(1);
    assert!(service.poll_ready().is_ready());
    let refused = Request::get("/guarded").body(()).unwrap();
    let response = service.call(refused).await.unwrap();
    assert_eq!(response.status(), 500);
    // The readiness that the rejected request did not use is still reserved.
    assert!(service.poll_ready().is_ready());
    let response = service.call(Request::get("/open").body(()).unwrap());
    let (_, respond) = handle.next_request().await.unwrap();
    respond.send_error("broken");
    assert_eq!(response.await.unwrap_err().to_string(), "broken");
}

#[tokio::test]
async fn requirements_nest_and_expose_their_inner_services() {
    let issuer = issuer();
    let mut service: Require<_> =
        RequireLayer::scope("read").layer(service_fn(async |_: Request<Body>| {
            Ok::<_, Infallible>(Response::new(Body::empty()))
        }));
    let _ = service.get_ref();
    let _ = service.get_mut();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .layer(RequireLayer::token_role("admin"))
        .service(service);
    for (scopes, roles, status) in [
        ("read", &["staff"] as &[&str], 200),
        ("read", &[], 403),
        ("", &["staff"], 403),
    ] {
        let bearer = token(&issuer)
            .claim("scope", scopes)
            .claim("roles", roles)
            .bearer();
        let response = service.clone().oneshot(request("/", Some(&bearer))).await;
        assert_eq!(response.unwrap().status(), status, "{scopes} {roles:?}");
    }
}
