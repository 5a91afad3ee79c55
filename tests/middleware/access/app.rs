//! An application with a requirement behind the layer, and its responses.

use std::convert::Infallible;

use axum::{Router, body::Body, routing::get};
use http::{
    HeaderMap, Request,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::{Layer, Service, ServiceExt};
use tower_jit_provisioning::{
    ClaimMap, Error, ErrorKind, IssuerPolicy, JwtVerifier, MemoryProvisioner, ProvisionLayer,
    testing::TestIssuer,
};

use crate::issuer::AUDIENCE;

pub(crate) fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    ProvisionLayer::new(verifier(issuer), MemoryProvisioner::new())
}

pub(crate) fn verifier(issuer: &TestIssuer) -> JwtVerifier {
    let policy = IssuerPolicy::new()
        .map_role("staff", "admin")
        .map_role("helpdesk", "support");
    let trusted = issuer.trusted(AUDIENCE);
    let claims = ClaimMap::oidc().add_roles("/roles");
    JwtVerifier::new([trusted.with_claims(claims).with_policy(policy)]).unwrap()
}

pub(crate) fn request(path: &str, bearer: Option<&str>) -> Request<Body> {
    let mut request = Request::get(path);
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HeaderMap,
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) code: Option<String>,
}

impl Answer {
    pub(crate) async fn of(app: &Router, request: Request<Body>) -> Self {
        let response = app.clone().oneshot(request).await.unwrap();
        let (parts, body) = response.into_parts();
        let body = body.collect().await.unwrap().to_bytes();
        let problem: Option<Value> = serde_json::from_slice(&body).ok();
        Self {
            status: parts.status.as_u16(),
            headers: parts.headers,
            kind: parts.extensions.get().map(Error::kind),
            code: problem.map(|problem| problem["code"].as_str().unwrap().to_owned()),
        }
    }

    pub(crate) fn challenge(&self) -> Option<&str> {
        let value = self.headers.get(WWW_AUTHENTICATE)?;
        Some(value.to_str().unwrap())
    }

    pub(crate) fn grpc(&self) -> (&str, &str) {
        let text = |name| self.headers[name].to_str().unwrap();
        (text("grpc-status"), text("grpc-message"))
    }
}

/// Returns one route behind one requirement, and the layer.
pub(crate) fn behind<L>(layer: ProvisionLayer<MemoryProvisioner>, requirement: L) -> Router
where
    L: Layer<axum::routing::Route> + Clone + Send + Sync + 'static,
    L::Service: Service<Request<Body>, Response: axum::response::IntoResponse, Error = Infallible>
        + Clone
        + Send
        + Sync
        + 'static,
    <L::Service as Service<Request<Body>>>::Future: Send + 'static,
{
    Router::new()
        .route("/orders", get(async || "orders"))
        .layer(requirement)
        .layer(layer)
}
