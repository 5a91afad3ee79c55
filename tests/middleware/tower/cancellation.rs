//! Dropped requests, and provisioners that panic.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use http::Response;
use tower::{Layer, ServiceExt};
use tower_jit_provisioning::{
    Identity, Outcome, ProvisionError, Provisioned, Provisioner, UserStatus, provisioner::Standing,
};

use super::services::{Gated, Strict, mocked, outcome, poll, received, request};
use crate::issuer::{issuer, layer_of, token};

#[tokio::test]
async fn a_dropped_request_leaves_nothing_behind() {
    let issuer = issuer();
    let gated = Gated::with_permits(0);
    let (mut service, mut handle) = mocked(layer_of(&issuer, Arc::clone(&gated)));
    let bearer = token(&issuer).bearer();
    handle.allow(10);

    // Dropped before any work was done.
    assert!(service.poll_ready().is_ready());
    drop(service.call(request(&bearer, ())));
    assert_eq!(gated.entered.load(SeqCst), 0);

    // Dropped while the user is being provisioned.
    for round in 1..=3 {
        assert!(service.poll_ready().is_ready());
        let mut response = Box::pin(service.call(request(&bearer, ())));
        assert!(poll(response.as_mut()).is_pending());
        assert!(poll(response.as_mut()).is_pending());
        drop(response);
        assert_eq!(gated.entered.load(SeqCst), round);
        assert_eq!(gated.left.load(SeqCst), round);
    }
    assert!(handle.poll_request().is_pending());
    assert!(gated.users.is_empty());

    // The next request is served normally.
    gated.gate.add_permits(1);
    assert!(service.poll_ready().is_ready());
    let mut response = tokio::spawn(service.call(request(&bearer, ())));
    let (arrived, respond) = received(&mut handle, &mut response).await;
    assert_eq!(outcome(&arrived), Outcome::Created);
    respond.send_response(Response::new(()));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
    assert_eq!(gated.users.len(), 1);
}

/// The first of the two is dropped while the second waits.
#[tokio::test]
async fn a_dropped_request_does_not_affect_other_requests() {
    let issuer = issuer();
    let gated = Gated::with_permits(0);
    let service = layer_of(&issuer, Arc::clone(&gated)).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    let mut abandoned = Box::pin(service.clone().oneshot(request(&bearer, ())));
    let mut patient = Box::pin(service.clone().oneshot(request(&bearer, ())));
    assert!(poll(abandoned.as_mut()).is_pending());
    assert!(poll(patient.as_mut()).is_pending());
    drop(abandoned);
    gated.gate.add_permits(1);
    assert_eq!(patient.await.unwrap().status(), 200);
    assert_eq!(gated.users.len(), 1);
}

/// Panics at the first request.
#[derive(Default)]
struct Nervous(AtomicUsize);

#[async_trait]
impl Provisioner for Nervous {
    type User = ();

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<()>, ProvisionError> {
        assert_ne!(self.0.fetch_add(1, SeqCst), 0, "the first one");
        let entry = identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])?;
        Ok(Provisioned::found((), entry))
    }
}

#[tokio::test]
async fn a_panic_in_a_provisioner_affects_only_its_request() {
    let issuer = issuer();
    let service = layer_of(&issuer, Nervous::default()).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    let first = tokio::spawn(service.clone().oneshot(request(&bearer, ())));
    assert!(first.await.unwrap_err().is_panic());
    let second = service.oneshot(request(&bearer, ())).await.unwrap();
    assert_eq!(second.status(), 200);
}
