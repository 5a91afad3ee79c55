//! The layer among tower-http's layers: CORS, tracing, panics, compression, time limits.

use std::{sync::Arc, time::Duration};

use async_trait::async_trait;
use axum::{Router, body::Body, error_handling::HandleErrorLayer, routing::get};
use futures_util::FutureExt;
use http::{
    HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ACCEPT_ENCODING, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_ORIGIN,
        ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_REQUEST_HEADERS,
        ACCESS_CONTROL_REQUEST_METHOD, AUTHORIZATION, CONTENT_ENCODING, CONTENT_TYPE, ORIGIN,
        RETRY_AFTER, WWW_AUTHENTICATE,
    },
};
use http_body_util::BodyExt;
use tokio::sync::Semaphore;
use tower::{BoxError, ServiceBuilder, ServiceExt, limit::GlobalConcurrencyLimitLayer};
use tower_http::{
    catch_panic::CatchPanicLayer,
    compression::{CompressionLayer, predicate::SizeAbove},
    cors::CorsLayer,
    timeout::TimeoutLayer,
    trace::{DefaultOnResponse, TraceLayer},
};
use tower_jit_provisioning::{
    CurrentUser, Error, ErrorKind, Identity, MemoryProvisioner, MemoryUser, ProvisionError,
    Provisioned, Provisioner,
};

use crate::{
    issuer::{issuer, layer, layer_of, token},
    log::logged,
};

const APP: &str = "https://app.example.com";

fn router() -> Router {
    async fn me(user: CurrentUser<MemoryUser>) -> String {
        format!("user {}", user.id)
    }
    async fn fails() -> &'static str {
        panic!("in the handler")
    }
    Router::new()
        .route("/me", get(me))
        .route("/long", get(async || "long ".repeat(1000)))
        .route("/panic", get(fails))
}

fn request(path: &str, bearer: &str, headers: &[(HeaderName, &str)]) -> Request<Body> {
    let mut request = Request::get(path).header(AUTHORIZATION, bearer);
    for (name, value) in headers {
        request = request.header(name, *value);
    }
    request.body(Body::empty()).unwrap()
}

fn preflight() -> Request<Body> {
    Request::options("/me")
        .header(ORIGIN, APP)
        .header(ACCESS_CONTROL_REQUEST_METHOD, "GET")
        .header(ACCESS_CONTROL_REQUEST_HEADERS, "authorization")
        .body(Body::empty())
        .unwrap()
}

fn cors() -> CorsLayer {
    CorsLayer::new()
        .allow_origin(HeaderValue::from_static(APP))
        .allow_methods([Method::GET])
        .allow_headers([AUTHORIZATION])
        .expose_headers([WWW_AUTHENTICATE])
}

fn text<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    headers.get(name).map(|value| value.to_str().unwrap())
}

async fn body(response: Response<Body>) -> Vec<u8> {
    response
        .into_body()
        .collect()
        .await
        .unwrap()
        .to_bytes()
        .into()
}

#[tokio::test]
async fn an_outer_cors_layer_answers_pre_flights_and_makes_rejections_readable() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer)).layer(cors());
    let response = app.clone().oneshot(preflight()).await.unwrap();
    assert_eq!(response.status(), 200);
    assert_eq!(
        text(response.headers(), &ACCESS_CONTROL_ALLOW_ORIGIN),
        Some(APP)
    );
    let allowed = text(response.headers(), &ACCESS_CONTROL_ALLOW_HEADERS);
    assert_eq!(allowed, Some("authorization"));
    assert!(response.extensions().get::<Error>().is_none());

    let bearer = token(&issuer).bearer();
    for (bearer, status) in [(bearer.as_str(), 200), ("Bearer a.b.c", 401)] {
        let request = request("/me", bearer, &[(ORIGIN, APP)]);
        let response = app.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(
            text(response.headers(), &ACCESS_CONTROL_ALLOW_ORIGIN),
            Some(APP)
        );
        let exposed = text(response.headers(), &ACCESS_CONTROL_EXPOSE_HEADERS);
        assert_eq!(exposed, Some("www-authenticate"));
        let is_refused = response.headers().contains_key(WWW_AUTHENTICATE);
        assert_eq!(is_refused, status == 401);
    }
}

#[tokio::test]
async fn an_inner_cors_layer_fails_as_documented() {
    let app = router().layer(cors()).layer(layer(&issuer()));
    let response = app.oneshot(preflight()).await.unwrap();
    assert_eq!(response.status(), 401);
}

#[tokio::test]
async fn compression_on_either_side_keeps_rejections_readable() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let gzip = || CompressionLayer::new().compress_when(SizeAbove::new(64));
    let outside = router().layer(layer(&issuer)).layer(gzip());
    let inside = router().layer(gzip()).layer(layer(&issuer));
    for (app, refusal_is_compressed) in [(outside, true), (inside, false)] {
        let request =
            |path: &str, bearer: &str| request(path, bearer, &[(ACCEPT_ENCODING, "gzip")]);
        for _ in 0..2 {
            let response = app
                .clone()
                .oneshot(request("/long", &bearer))
                .await
                .unwrap();
            assert_eq!(response.status(), 200);
            assert_eq!(text(response.headers(), &CONTENT_ENCODING), Some("gzip"));
            assert!(body(response).await.len() < 500);
        }
        let response = app.clone().oneshot(request("/me", "Bearer")).await.unwrap();
        assert_eq!(response.status(), 400);
        let kind = response.extensions().get::<Error>().unwrap().kind();
        assert_eq!(kind, ErrorKind::InvalidRequest);
        let encoding = text(response.headers(), &CONTENT_ENCODING);
        assert_eq!(encoding.is_some(), refusal_is_compressed);
        let content_type = text(response.headers(), &CONTENT_TYPE);
        assert_eq!(content_type, Some("application/problem+json"));
        let bytes = body(response).await;
        match refusal_is_compressed {
            true => assert_eq!(bytes[..2], [0x1f, 0x8b]),
            false => assert!(
                String::from_utf8(bytes)
                    .unwrap()
                    .contains("invalid_request")
            ),
        }
    }
}

/// Panics in a separate task.
struct Panicking;

#[async_trait]
impl Provisioner for Panicking {
    type User = MemoryUser;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        panic!("in the provisioner")
    }
}

#[tokio::test]
async fn a_caught_panic_affects_only_its_request() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let app = router().layer(layer(&issuer)).layer(CatchPanicLayer::new());
    for (path, status) in [("/panic", 500), ("/me", 200), ("/panic", 500), ("/me", 200)] {
        let response = app
            .clone()
            .oneshot(request(path, &bearer, &[]))
            .await
            .unwrap();
        assert_eq!(response.status(), status);
    }
    let app = router()
        .layer(layer_of(&issuer, Panicking))
        .layer(CatchPanicLayer::new());
    for (bearer, status) in [
        (bearer.as_str(), 500),
        ("Bearer a.b.c", 401),
        (&bearer, 500),
    ] {
        let response = app
            .clone()
            .oneshot(request("/me", bearer, &[]))
            .await
            .unwrap();
        assert_eq!(response.status(), status);
    }
}

/// Never completes.
struct Waiting;

#[async_trait]
impl Provisioner for Waiting {
    type User = MemoryUser;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        std::future::pending().await
    }
}

#[tokio::test(start_paused = true)]
async fn an_outer_time_limit_covers_provisioning() {
    let issuer = issuer();
    let limit = TimeoutLayer::with_status_code(StatusCode::GATEWAY_TIMEOUT, Duration::from_secs(2));
    let app = router().layer(layer_of(&issuer, Waiting)).layer(limit);
    let bearer = token(&issuer).bearer();
    let response = app.oneshot(request("/me", &bearer, &[])).await.unwrap();
    assert_eq!(response.status(), 504);
}

#[tokio::test]
async fn an_outer_trace_layer_sees_rejections_as_responses() {
    let issuer = issuer();
    let trace = TraceLayer::new_for_http()
        .on_response(DefaultOnResponse::new().level(tracing::Level::INFO));
    let stack = ServiceBuilder::new().layer(trace).layer(layer(&issuer));
    let app = router().layer(stack);
    let bearer = token(&issuer).bearer();
    let log = logged(tracing::Level::DEBUG, async {
        for (bearer, status) in [(bearer.as_str(), 200), ("Bearer a.b.c", 401)] {
            let request = request("/me", bearer, &[]);
            let response = app.clone().oneshot(request).await.unwrap();
            assert_eq!(response.status(), status);
            drop(body(response).await);
        }
    })
    .await;
    for line in ["status=200", "status=401"] {
        assert!(log.contains(line), "{log}");
    }
    assert!(log.contains("provision"), "{log}");
    assert!(
        !log.contains(bearer.strip_prefix("Bearer ").unwrap()),
        "{log}"
    );
}

/// Waits for its permits in the store.
struct Slow(MemoryProvisioner, Arc<Semaphore>);

#[async_trait]
impl Provisioner for Slow {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        let permit = self.1.acquire().await;
        permit.map_err(ProvisionError::unavailable)?.forget();
        self.0.provision(identity).await
    }
}

/// The README's recipe. Axum wraps every route separately, so only a global limit is a single
/// limit.
#[tokio::test]
async fn one_limit_bounds_all_routes_and_sheds_the_rest() {
    async fn shed(_: BoxError) -> (StatusCode, [(HeaderName, &'static str); 1]) {
        (StatusCode::SERVICE_UNAVAILABLE, [(RETRY_AFTER, "1")])
    }
    let (issuer, store) = (issuer(), Arc::new(Semaphore::new(0)));
    let slow = Slow(MemoryProvisioner::new(), Arc::clone(&store));
    let stack = ServiceBuilder::new()
        .layer(HandleErrorLayer::new(shed))
        .load_shed()
        .layer(GlobalConcurrencyLimitLayer::new(1))
        .layer(layer_of(&issuer, slow));
    let app = router().layer(stack);
    let bearer = token(&issuer).bearer();
    let mut waiting = Box::pin(app.clone().oneshot(request("/me", &bearer, &[])));
    assert!(waiting.as_mut().now_or_never().is_none());
    for path in ["/me", "/long"] {
        let response = app.clone().oneshot(request(path, &bearer, &[]));
        let response = response.now_or_never().expect("shed at once").unwrap();
        assert_eq!(response.status(), 503, "{path}");
        assert_eq!(text(response.headers(), &RETRY_AFTER), Some("1"));
    }
    store.add_permits(3);
    assert_eq!(waiting.await.unwrap().status(), 200);
    for path in ["/me", "/long"] {
        let response = app.clone().oneshot(request(path, &bearer, &[])).await;
        assert_eq!(response.unwrap().status(), 200, "{path}");
    }
}
