//! Calls of the inner service, warm and cold.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::Poll,
};

use http::{Method, Request, Response, header::AUTHORIZATION};
use tower::{Layer, Service, ServiceExt, limit::ConcurrencyLimit, service_fn};
use tower_jit_provisioning::Outcome;

use super::services::{Gated, Strict, ask, mocked, outcome, poll, poll_ready, request};
use crate::issuer::{issuer, layer, layer_of, token};

#[tokio::test]
async fn a_warm_request_is_passed_on_before_its_future_is_polled() {
    let issuer = issuer();
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(3);
    assert!(service.poll_ready().is_ready());
    let mut cold = pin!(service.call(request(&bearer, ())));
    assert!(handle.poll_request().is_pending());
    assert!(poll(cold.as_mut()).is_pending());
    let Poll::Ready(Some((arrived, _))) = handle.poll_request() else {
        panic!("the store was read for a cached user");
    };
    assert_eq!(outcome(&arrived), Outcome::Created);

    assert!(service.poll_ready().is_ready());
    let _warm = service.call(request(&bearer, ()));
    let Poll::Ready(Some((arrived, _))) = handle.poll_request() else {
        panic!("a warm request waited");
    };
    assert_eq!(outcome(&arrived), Outcome::Found);
}

#[tokio::test]
async fn the_inner_service_is_called_only_when_ready_and_cloned_only_when_cold() {
    let issuer = issuer();
    let inner = Strict::default();
    let (clones, calls) = (Arc::clone(&inner.clones), Arc::clone(&inner.calls));
    let mut service = layer(&issuer).allow_anonymous().layer(inner);
    let ana = token(&issuer).bearer();
    let eve = token(&issuer).claim("sub", "eve").bearer();
    for (authorization, clones_made, calls_made) in [
        (ana.as_str(), 1, 1),
        (&ana, 1, 2),
        (&ana, 1, 3),
        (&eve, 2, 4),
        (&eve, 2, 5),
        ("Basic dTpw", 2, 6),
        ("Bearer", 2, 6),
        ("Bearer a.b.c", 3, 6),
        (&ana, 3, 7),
    ] {
        ask(&mut service, authorization).await;
        assert_eq!(clones.load(SeqCst), clones_made, "{authorization}");
        assert_eq!(calls.load(SeqCst), calls_made, "{authorization}");
    }
}

#[tokio::test]
async fn a_cold_request_keeps_its_reserved_capacity() {
    let issuer = issuer();
    let gated = Gated::with_permits(0);
    let limited = ConcurrencyLimit::new(Strict::default(), 1);
    let mut first = layer_of(&issuer, Arc::clone(&gated)).layer(limited);
    let mut second = first.clone();
    let bearer = token(&issuer).bearer();

    assert!(poll_ready(&mut first).is_ready());
    let mut response = Box::pin(first.call(request(&bearer, ())));
    assert!(poll(response.as_mut()).is_pending());
    assert!(poll_ready(&mut second).is_pending());
    gated.gate.add_permits(1);
    assert_eq!(response.await.unwrap().status(), 200);
    // The reservation ends with the future.
    assert!(poll_ready(&mut second).is_ready());
    let response = second.call(request(&bearer, ())).await.unwrap();
    assert_eq!(response.status(), 200);
    assert!(poll_ready(&mut first).is_ready());
}

#[tokio::test]
async fn a_refused_or_dropped_request_releases_its_capacity() {
    let issuer = issuer();
    let gated = Gated::with_permits(0);
    let limited = ConcurrencyLimit::new(Strict::default(), 1);
    let service = layer_of(&issuer, gated).layer(limited);
    let bearer = token(&issuer).bearer();
    for _ in 0..3 {
        let mut abandoned = service.clone();
        assert!(poll_ready(&mut abandoned).is_ready());
        {
            let mut response = pin!(abandoned.call(request(&bearer, ())));
            assert!(poll(response.as_mut()).is_pending());
        }
        for authorization in ["Bearer", "Bearer a.b.c"] {
            let mut refused = service.clone();
            assert!(poll_ready(&mut refused).is_ready());
            let response = refused.call(request(authorization, ())).await.unwrap();
            assert!(response.status().is_client_error());
        }
    }
}

#[tokio::test]
async fn a_request_is_passed_on_unchanged() {
    let issuer = issuer();
    let service = layer(&issuer).layer(service_fn(async |request: Request<String>| {
        assert_eq!(request.method(), Method::PATCH);
        assert_eq!(request.uri(), "/orders/7?full=true");
        assert_eq!(request.version(), http::Version::HTTP_2);
        assert_eq!(request.headers()["x-request-id"], "42");
        assert!(request.headers().contains_key(AUTHORIZATION));
        assert_eq!(request.extensions().get::<u8>(), Some(&9));
        Ok::<_, Infallible>(Response::new(request.into_body()))
    }));
    for _ in 0..2 {
        let request = Request::patch("/orders/7?full=true")
            .version(http::Version::HTTP_2)
            .header(AUTHORIZATION, token(&issuer).bearer())
            .header("x-request-id", "42")
            .extension(9_u8)
            .body("body".to_owned())
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}
