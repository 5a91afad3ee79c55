//! An application behind the layer, and its responses.

use async_trait::async_trait;
use axum::{Router, body::Body, extract::Request, routing::get};
use http::{
    HeaderMap, Response, StatusCode,
    header::{AUTHORIZATION, CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE},
};
use http_body_util::BodyExt;
use serde_json::Value;
use tower::ServiceExt;
use tower_jit_provisioning::{
    CurrentUser, Error, ErrorKind, Identity, MemoryProvisioner, MemoryUser, ProvisionError,
    ProvisionLayer, Provisioned, Provisioner, testing::TestIssuer,
};

use crate::issuer::scoped_verifier;

pub(crate) fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    ProvisionLayer::new(scoped_verifier(issuer), MemoryProvisioner::new())
}

pub(crate) async fn me(user: CurrentUser<MemoryUser>) -> String {
    format!("{} {}", user.id, user.outcome().as_str())
}

pub(crate) async fn maybe_me(user: Option<CurrentUser<MemoryUser>>) -> String {
    user.map_or_else(|| "nobody".to_owned(), |user| user.id.to_string())
}

pub(crate) async fn subject(identity: Identity) -> String {
    identity.subject().to_owned()
}

pub(crate) fn router() -> Router {
    Router::new()
        .route("/me", get(me))
        .route("/maybe", get(maybe_me))
        .route("/subject", get(subject))
}

pub(crate) fn request(path: &str, authorization: &[&str]) -> Request {
    let mut request = Request::get(path);
    for value in authorization {
        request = request.header(AUTHORIZATION, *value);
    }
    request.body(Body::empty()).unwrap()
}

pub(crate) async fn text(response: Response<Body>) -> String {
    let bytes = response.into_body().collect().await.unwrap().to_bytes();
    String::from_utf8(bytes.into()).unwrap()
}

/// Returns the response body of a request that passes.
pub(crate) async fn passes(app: Router, request: Request) -> String {
    let response = app.oneshot(request).await.unwrap();
    assert!(response.extensions().get::<Error>().is_none());
    assert_eq!(response.status(), StatusCode::OK);
    assert!(response.headers().get(WWW_AUTHENTICATE).is_none());
    text(response).await
}

/// All parts of a rejection.
pub(crate) struct Refusal {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    pub(crate) error: Error,
    pub(crate) body: String,
}

impl Refusal {
    pub(crate) async fn of(app: Router, request: Request) -> Self {
        let response = app.oneshot(request).await.unwrap();
        Self {
            status: response.status(),
            headers: response.headers().clone(),
            error: response
                .extensions()
                .get::<Error>()
                .expect("a rejection exposes its error")
                .clone(),
            body: text(response).await,
        }
    }

    pub(crate) fn header(&self, name: impl http::header::AsHeaderName) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Asserts a row of the wire table; returns the problem document.
    pub(crate) fn is(
        &self,
        name: &str,
        kind: ErrorKind,
        status: u16,
        challenge: Option<&str>,
        code: &str,
    ) {
        assert_eq!(self.error.kind(), kind, "{name}");
        assert_eq!(self.status, status, "{name}");
        assert_eq!(self.header(WWW_AUTHENTICATE), challenge, "{name}");
        let challenges = self.headers.get_all(WWW_AUTHENTICATE).iter().count();
        assert_eq!(challenges, usize::from(challenge.is_some()), "{name}");
        let retry_after = (kind == ErrorKind::Unavailable).then_some("1");
        assert_eq!(self.header(RETRY_AFTER), retry_after, "{name}");
        assert_eq!(
            self.header(CONTENT_TYPE),
            Some("application/problem+json"),
            "{name}"
        );
        let problem: Value = serde_json::from_str(&self.body).unwrap();
        assert_eq!(problem["code"], code, "{name}");
        assert_eq!(self.error.code(), code, "{name}");
        assert_eq!(problem["status"], status, "{name}");
        assert!(!problem["title"].as_str().unwrap().is_empty(), "{name}");
        assert_eq!(problem.as_object().unwrap().len(), 3, "{name}");
    }
}

pub(crate) const INVALID_TOKEN: Option<&str> = Some("Bearer error=\"invalid_token\"");

pub(crate) const INVALID_REQUEST: Option<&str> = Some("Bearer error=\"invalid_request\"");

/// A store that always returns the same error.
pub(crate) struct Refusing(pub(crate) ProvisionError);

#[async_trait]
impl Provisioner for Refusing {
    type User = MemoryUser;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(self.0.clone())
    }
}
