//! Requests of every outcome.

use std::{
    convert::Infallible,
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use http::{Request, Response, header::AUTHORIZATION};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_jit_provisioning::{
    CachedProvisioner, DenialReason, Identity, JwtVerifier, MemoryProvisioner, MemoryUser,
    ProvisionError, ProvisionLayer, Provisioned, Provisioner,
    testing::{TestIssuer, TokenBuilder},
};

use crate::{issuer::AUDIENCE, log::listen};

pub(crate) const SUBJECT: &str = "subject-of-ana";

pub(crate) const EMAIL: &str = "ana.personal@example.com";

pub(crate) const NAME: &str = "Ana Personal";

pub(crate) fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer
        .token(SUBJECT)
        .audience(AUDIENCE)
        .email(EMAIL, true)
        .claim("name", NAME)
}

/// Returns the result that the token's scope names; otherwise acts as a cache over users in memory.
pub(crate) struct Directory(CachedProvisioner<MemoryProvisioner>);

#[async_trait]
impl Provisioner for Directory {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(match identity.scopes().next() {
            Some("conflict") => ProvisionError::Conflict,
            Some("denied") => DenialReason::NoRole.into(),
            Some("down") => ProvisionError::unavailable("connection refused"),
            Some("waits") => std::future::pending().await,
            Some(_) | None => return self.0.provision(identity).await,
        })
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        self.0.cached(identity)
    }
}

pub(crate) fn layer(issuer: &TestIssuer) -> ProvisionLayer<Directory> {
    listen();
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).unwrap();
    let users = CachedProvisioner::new(MemoryProvisioner::new());
    ProvisionLayer::new(verifier, Directory(users))
}

pub(crate) fn request(bearer: Option<&str>) -> Request<()> {
    let mut request = Request::get("/orders");
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer);
    }
    request.body(()).unwrap()
}

pub(crate) async fn answer(_: Request<()>) -> Result<Response<()>, Infallible> {
    tracing::info!("in the handler");
    Ok(Response::new(()))
}

pub(crate) async fn ask(layer: &ProvisionLayer<Directory>, bearer: Option<&str>) -> u16 {
    let service = layer.layer(service_fn(answer));
    let response = service.oneshot(request(bearer)).await.unwrap();
    response.status().as_u16()
}

/// Sends one request of every outcome, one after the other.
pub(crate) async fn send_every_request(issuer: &TestIssuer) {
    let strict = layer(issuer);
    let bearer = token(issuer).bearer();
    let by_scope = |scope: &str| token(issuer).claim("scope", scope).bearer();
    assert_eq!(ask(&strict, Some(&bearer)).await, 200);
    assert_eq!(ask(&strict, Some(&bearer)).await, 200);
    assert_eq!(ask(&strict, None).await, 401);
    assert_eq!(ask(&strict, Some("Bearer")).await, 400);
    assert_eq!(ask(&strict, Some(&format!("{bearer}A"))).await, 401);
    assert_eq!(ask(&strict, Some(&by_scope("conflict"))).await, 403);
    assert_eq!(ask(&strict, Some(&by_scope("denied"))).await, 403);
    assert_eq!(ask(&strict, Some(&by_scope("down"))).await, 503);
    assert_eq!(ask(&strict.clone().allow_anonymous(), None).await, 200);
    let mut service = strict.layer(service_fn(answer));
    let waits = by_scope("waits");
    let mut abandoned = Box::pin(service.call(request(Some(&waits))));
    let poll = abandoned
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Pending));
    drop(abandoned);
}
