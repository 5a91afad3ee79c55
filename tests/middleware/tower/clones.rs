//! State that clones share.

use std::{
    convert::Infallible,
    sync::{Arc, Mutex, atomic::Ordering::SeqCst},
};

use http::{Request, Response};
use tokio::task::JoinSet;
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{Error, MemoryProvisioner, Outcome};

use super::services::{Gated, Strict, outcome, request};
use crate::issuer::{issuer, layer, layer_of, token};

#[tokio::test]
async fn one_of_many_concurrent_first_requests_reports_the_creation() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let outcomes = Arc::new(Mutex::new(Vec::new()));
    let service = {
        let outcomes = Arc::clone(&outcomes);
        layer_of(&issuer, users.clone()).layer(service_fn(move |request: Request<()>| {
            outcomes.lock().unwrap().push(outcome(&request));
            async { Ok::<_, Infallible>(Response::new(())) }
        }))
    };
    let mut requests = JoinSet::new();
    for number in 0..64 {
        let bearer = token(&issuer).claim("jti", number).bearer();
        requests.spawn(service.clone().oneshot(request(&bearer, ())));
    }
    while let Some(response) = requests.join_next().await {
        assert_eq!(response.unwrap().unwrap().status(), 200);
    }
    let outcomes = outcomes.lock().unwrap();
    let created = outcomes
        .iter()
        .filter(|outcome| **outcome == Outcome::Created);
    assert_eq!(created.count(), 1);
    assert_eq!(outcomes.len(), 64);
    assert_eq!(users.len(), 1);
}

#[tokio::test]
async fn clones_share_their_caches() {
    let issuer = issuer();
    let gated = Gated::with_permits(1);
    let layer = layer_of(&issuer, Arc::clone(&gated));
    let bearer = token(&issuer).bearer();
    let service = layer.layer(Strict::default());
    let clone = service.clone();
    let sibling = layer.clone().layer(Strict::default());
    let shaped = layer
        .with_rejection(|_: &Error, _| Response::default())
        .allow_anonymous()
        .layer(Strict::default());
    for service in [service, clone, sibling, shaped] {
        let response = service.oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    // One permit, one provisioning; the others were warm.
    assert_eq!(gated.entered.load(SeqCst), 1);
    assert_eq!(gated.cached.load(SeqCst), 3);
}

#[tokio::test]
async fn options_of_a_clone_are_independent() {
    let issuer = issuer();
    let strict = layer(&issuer);
    let lax = strict.clone().allow_anonymous();
    for (layer, status) in [(strict, 401), (lax, 200)] {
        let service = layer.layer(Strict::default());
        let request = Request::new(());
        assert_eq!(service.oneshot(request).await.unwrap().status(), status);
    }
}

#[test]
fn the_inner_service_is_accessible() {
    let issuer = issuer();
    let mut service = layer(&issuer).layer(7);
    assert_eq!(*service.get_ref(), 7);
    *service.get_mut() = 8;
    assert_eq!(service.into_inner(), 8);
}
