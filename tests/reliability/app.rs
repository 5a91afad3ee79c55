//! The layer under test, in front of a handler that returns the request's user.

use std::{
    convert::Infallible,
    future::{Ready, ready},
    time::{Duration, Instant},
};

use http::{
    Request, Response, StatusCode,
    header::{AUTHORIZATION, RETRY_AFTER},
};
use tower::{Layer, ServiceExt, util::ServiceFn};
use tower_jit_provisioning::{
    CachedProvisioner, CurrentUser, Error, ErrorKind, Identity, JwtVerifier, MemoryProvisioner,
    MemoryUser, ProvisionLayer, Provisioner, provision::Provision, sea_orm::User,
};

pub(crate) const AUDIENCE: &str = "orders-api";

type Handler = ServiceFn<fn(Request<()>) -> Ready<Result<Response<String>, Infallible>>>;

/// A user with an id.
pub(crate) trait Named: Send + Sync + 'static {
    fn name(&self) -> String;
}

impl Named for MemoryUser {
    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl Named for User {
    fn name(&self) -> String {
        self.id.to_string()
    }
}

impl Named for String {
    fn name(&self) -> String {
        self.clone()
    }
}

/// The handler's response: the subject and the user of its call.
#[derive(Clone)]
struct Seen {
    subject: String,
    user: String,
}

/// Clones share keys, caches and users.
pub(crate) struct App<P: Provisioner = CachedProvisioner<MemoryProvisioner>> {
    service: Provision<Handler, P>,
    users: MemoryProvisioner,
}

/// The response as seen by the caller.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: StatusCode,
    pub(crate) kind: Option<ErrorKind>,
    pub(crate) subject: Option<String>,
    /// The id of the user.
    pub(crate) user: Option<String>,
    pub(crate) says_when_to_retry: bool,
    /// The cause of a rejection.
    pub(crate) why: Option<String>,
    pub(crate) took: Duration,
}

impl Answer {
    /// Returns whether the request was accepted, with the right user.
    pub(crate) fn is_for(&self, subject: &str) -> bool {
        self.status == StatusCode::OK && self.subject.as_deref() == Some(subject)
    }

    /// Returns whether the response is 503 with `Retry-After`.
    pub(crate) fn is_unavailable(&self) -> bool {
        self.status == StatusCode::SERVICE_UNAVAILABLE && self.says_when_to_retry
    }
}

impl App {
    pub(crate) fn new(verifier: JwtVerifier) -> Self {
        let users = MemoryProvisioner::new();
        let app = Self::before(verifier, CachedProvisioner::new(users.clone()));
        Self { users, ..app }
    }

    /// Returns the number of created users.
    pub(crate) fn users(&self) -> usize {
        self.users.len()
    }
}

impl<P: Provisioner<User: Named>> App<P> {
    /// Builds the layer over another provisioner.
    pub(crate) fn before(verifier: JwtVerifier, users: P) -> Self {
        let layer = ProvisionLayer::new(verifier, users);
        Self {
            service: layer.layer(tower::service_fn(handle::<P::User>)),
            users: MemoryProvisioner::new(),
        }
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
        let (subject, user) = extensions
            .get::<Seen>()
            .map(|seen| (seen.subject.clone(), seen.user.clone()))
            .unzip();
        Answer {
            status: response.status(),
            kind: extensions.get::<Error>().map(Error::kind),
            why: extensions.get::<Error>().map(|error| format!("{error:?}")),
            subject,
            user,
            says_when_to_retry: response.headers().contains_key(RETRY_AFTER),
            took,
        }
    }
}

impl<P: Provisioner> Clone for App<P> {
    fn clone(&self) -> Self {
        Self {
            service: self.service.clone(),
            users: self.users.clone(),
        }
    }
}

#[expect(
    clippy::needless_pass_by_value,
    reason = "a service receives requests by value"
)]
fn handle<U: Named>(request: Request<()>) -> Ready<Result<Response<String>, Infallible>> {
    let extensions = request.extensions();
    let mut response = Response::new(String::new());
    let user = CurrentUser::<U>::from_extensions(extensions);
    let identity = extensions.get::<Identity>();
    if let (Ok(user), Some(identity)) = (user, identity) {
        response.extensions_mut().insert(Seen {
            subject: identity.subject().to_owned(),
            user: user.name(),
        });
    }
    ready(Ok(response))
}
