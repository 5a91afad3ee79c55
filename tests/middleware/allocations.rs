//! Allocations of a warm request: those that its extensions need, and no others.

use std::{
    convert::Infallible,
    future::ready,
    pin::pin,
    task::{Context, Poll, Waker},
};

use http::{Extensions, Request, Response, header::AUTHORIZATION};
use tower::{Layer, Service, service_fn};
use tower_jit_provisioning::{
    CachedProvisioner, CurrentUser, Identity, JwtVerifier, MemoryProvisioner, MemoryUser,
    ProvisionLayer, testing::TestIssuer,
};

#[tokio::test]
async fn a_warm_request_allocates_only_for_its_extensions() {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let users = CachedProvisioner::new(MemoryProvisioner::new());
    let bearer = issuer.token("ana").audience("orders-api").bearer();
    let request = || {
        let request = Request::get("/").header(AUTHORIZATION, &bearer);
        request.body(()).unwrap()
    };
    let layer = ProvisionLayer::new(verifier, users);

    // The first request warms up, and shows the contents of the extensions.
    let mut showing = layer.layer(service_fn(|request: Request<()>| {
        let mut response = Response::new(());
        *response.extensions_mut() = request.extensions().clone();
        ready(Ok::<_, Infallible>(response))
    }));
    let shown = showing.call(request()).await.unwrap();
    let identity: &Identity = shown.extensions().get().unwrap();
    let user: &CurrentUser<MemoryUser> = shown.extensions().get().unwrap();
    let needed = allocation_counter::measure(|| {
        let mut extensions = Extensions::new();
        extensions.insert(identity.clone());
        extensions.insert(user.clone());
    });

    let mut service = layer.layer(service_fn(|_: Request<()>| {
        ready(Ok::<_, Infallible>(Response::new(())))
    }));
    let request = request();
    let taken = allocation_counter::measure(|| {
        let future = pin!(service.call(request));
        let polled = future.poll(&mut Context::from_waker(Waker::noop()));
        assert!(matches!(polled, Poll::Ready(Ok(response)) if response.status() == 200));
    });
    assert!(needed.count_total > 0);
    assert_eq!(taken.count_total, needed.count_total);
    assert_eq!(taken.bytes_total, needed.bytes_total);
}
