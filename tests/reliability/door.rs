//! The layer under test: in front of a handler that tells whom it was called for.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::{Duration, Instant},
};

use http::{Request, Response, StatusCode, header::AUTHORIZATION};
use tower::{Layer, ServiceExt, util::ServiceFn};
use tower_jit_provisioning::{
    CachedProvisioner, CurrentUser, Error, ErrorKind, Identity, JwtVerifier, MemoryProvisioner,
    MemoryUser, Provision, ProvisionLayer,
};

pub(crate) const AUDIENCE: &str = "orders-api";

type Handler = ServiceFn<fn(Request<()>) -> Ready<Result<Response<String>, Infallible>>>;

/// The handler's answer is the subject that it was called for.
#[derive(Clone)]
struct Subject(String);

/// Clones share keys, caches and users.
#[derive(Clone)]
pub(crate) struct Door {
    service: Provision<Handler, CachedProvisioner<MemoryProvisioner>>,
    users: MemoryProvisioner,
}

/// What a caller saw.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) subject: Option<String>,
    pub(crate) took: Duration,
}

impl Answer {
    /// Whether the caller was let in, and as nobody else.
    pub(crate) fn is_for(&self, subject: &str) -> bool {
        self.status == StatusCode::OK && self.subject.as_deref() == Some(subject)
    }
}

impl Door {
    pub(crate) fn new(verifier: JwtVerifier) -> Self {
        let users = MemoryProvisioner::new();
        let layer = ProvisionLayer::new(verifier, CachedProvisioner::new(users.clone()));
        Self {
            service: layer.layer(tower::service_fn(handle)),
            users,
        }
    }

    /// How many users were made.
    pub(crate) fn users(&self) -> usize {
        self.users.len()
    }

    pub(crate) async fn call(&self, token: &str) -> Answer {
        let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
        self.send(request.body(()).expect("a request")).await
    }

    pub(crate) async fn send(&self, request: Request<()>) -> Answer {
        let service = self.service.clone();
        let started = Instant::now();
        let Ok(response) = service.oneshot(request).await;
        let took = started.elapsed();
        let extensions = response.extensions();
        Answer {
            status: response.status(),
            kind: extensions.get::<Error>().map(Error::kind),
            subject: extensions.get::<Subject>().map(|subject| subject.0.clone()),
            took,
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a service takes its requests"
)]
fn handle(request: Request<()>) -> Ready<Result<Response<String>, Infallible>> {
    let extensions = request.extensions();
    let mut response = Response::new(String::new());
    let user = CurrentUser::<MemoryUser>::from_extensions(extensions);
    let identity = extensions.get::<Identity>();
    if let (Ok(_), Some(identity)) = (user, identity) {
        let subject = Subject(identity.subject().to_owned());
        response.extensions_mut().insert(subject);
    }
    ready(Ok(response))
}
