//! Limits, buffers and load shedding on either side of the layer.

use std::{
    convert::Infallible,
    pin::pin,
    sync::{Arc, atomic::Ordering::SeqCst},
    task::Poll,
};

use http::{Request, Response};
use tokio::{sync::Semaphore, task::JoinSet};
use tower::{
    BoxError, Layer, Service, ServiceBuilder, ServiceExt, buffer::Buffer, limit::ConcurrencyLimit,
    load_shed::error::Overloaded, service_fn,
};
use tower_jit_provisioning::{MemoryProvisioner, rejection::ResponseBody};

use super::services::{Gated, Strict, poll, poll_ready, request};
use crate::issuer::{issuer, layer, layer_of, token};

#[tokio::test]
async fn many_requests_pass_through_a_small_limit() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let inner = ConcurrencyLimit::new(Strict::default(), 2);
    let service = layer_of(&issuer, users.clone()).layer(inner);
    let mut requests = JoinSet::new();
    for number in 0..100 {
        let subject = format!("user-{}", number % 10);
        let bearer = token(&issuer).claim("sub", subject).bearer();
        let refused = number % 7 == 0;
        let bearer = if refused { bearer + "A" } else { bearer };
        let response = service.clone().oneshot(request(&bearer, ()));
        requests.spawn(async move {
            let status = response.await.unwrap().status();
            assert_eq!(status == 401, refused);
        });
    }
    while let Some(request) = requests.join_next().await {
        request.unwrap();
    }
    assert_eq!(users.len(), 10);
}

#[tokio::test]
async fn a_buffer_works_on_either_side() {
    async fn answer(request: Request<u32>) -> Result<Response<u32>, Infallible> {
        tokio::task::yield_now().await;
        Ok(Response::new(*request.body()))
    }
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let behind = layer(&issuer).layer(Buffer::new(service_fn(answer), 1));
    let before = Buffer::new(layer(&issuer).layer(service_fn(answer)), 1);
    let mut requests = JoinSet::new();
    for number in 0..50 {
        requests.spawn(behind.clone().oneshot(request(&bearer, number)));
        requests.spawn(before.clone().oneshot(request(&bearer, number)));
    }
    let mut answered = 0;
    while let Some(response) = requests.join_next().await {
        let response: Result<Response<ResponseBody<u32>>, BoxError> = response.unwrap();
        assert_eq!(response.unwrap().status(), 200);
        answered += 1;
    }
    assert_eq!(answered, 100);
}

#[tokio::test]
async fn an_outer_limit_counts_requests_in_provisioning() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let gated = Gated::with_permits(0);
    let service = layer_of(&issuer, Arc::clone(&gated)).layer(Strict::default());
    let mut limited = ConcurrencyLimit::new(service, 1);
    let mut next = limited.clone();
    assert!(poll_ready(&mut limited).is_ready());
    let mut waiting = Box::pin(limited.call(request(&bearer, ())));
    assert!(poll(waiting.as_mut()).is_pending());
    // tower's `LoadShed` rejects while the service is not ready, so no other request reaches the
    // store.
    assert!(poll_ready(&mut next).is_pending());
    assert_eq!(gated.entered.load(SeqCst), 1);
    gated.gate.add_permits(1);
    assert_eq!(waiting.await.unwrap().status(), 200);
    assert!(poll_ready(&mut next).is_ready());
    // A dropped request releases its permit too.
    let mut hanging =
        Box::pin(next.call(request(&token(&issuer).claim("sub", "bob").bearer(), ())));
    assert!(poll(hanging.as_mut()).is_pending());
    assert!(poll_ready(&mut limited).is_pending());
    drop(hanging);
    assert!(poll_ready(&mut limited).is_ready());
}

#[tokio::test]
async fn an_outer_load_shed_rejects_before_any_work() {
    let issuer = issuer();
    let gated = Gated::with_permits(0);
    let service = ServiceBuilder::new()
        .load_shed()
        .concurrency_limit(2)
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .service(Strict::default());
    let ask = |subject: &str| {
        let bearer = token(&issuer).claim("sub", subject).bearer();
        service.clone().oneshot(request(&bearer, ()))
    };
    let mut waiting = [Box::pin(ask("ana")), Box::pin(ask("bob"))];
    for waiting in &mut waiting {
        assert!(poll(waiting.as_mut()).is_pending());
    }
    // Rejected at once, without using the token or the store.
    for _ in 0..10 {
        let Poll::Ready(Err(refused)) = poll(pin!(ask("eve"))) else {
            panic!("not refused");
        };
        assert!(refused.is::<Overloaded>(), "{refused}");
    }
    assert_eq!(gated.entered.load(SeqCst), 2);

    gated.gate.add_permits(3);
    for waiting in waiting {
        assert_eq!(waiting.await.unwrap().status(), 200);
    }
    assert_eq!(ask("eve").await.unwrap().status(), 200);
    assert_eq!(gated.users.len(), 3);
}

#[tokio::test]
async fn a_full_inner_service_is_reported_through_the_layer() {
    let issuer = issuer();
    let gated = Gated::with_permits(2);
    let busy = Arc::new(Semaphore::new(0));
    let inner = {
        let busy = Arc::clone(&busy);
        service_fn(move |_: Request<()>| {
            let busy = Arc::clone(&busy);
            async move {
                busy.acquire().await.unwrap().forget();
                Ok::<_, Infallible>(Response::new(()))
            }
        })
    };
    let service = ServiceBuilder::new()
        .load_shed()
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .concurrency_limit(1)
        .service(inner);
    let bearer = token(&issuer).bearer();
    // Cold first, then warm.
    for entered in [1, 1] {
        let mut served = Box::pin(service.clone().oneshot(request(&bearer, ())));
        assert!(poll(served.as_mut()).is_pending());
        let eve = token(&issuer).claim("sub", "eve").bearer();
        let refused = service.clone().oneshot(request(&eve, ())).await;
        assert!(refused.unwrap_err().is::<Overloaded>());
        assert_eq!(
            gated.entered.load(SeqCst),
            entered,
            "Eve was not provisioned"
        );
        busy.add_permits(1);
        assert_eq!(served.await.unwrap().status(), 200);
    }
}

#[tokio::test]
async fn an_inner_load_shed_rejects_after_provisioning() {
    let issuer = issuer();
    let gated = Gated::with_permits(2);
    let service = ServiceBuilder::new()
        .layer(layer_of(&issuer, Arc::clone(&gated)))
        .load_shed()
        .concurrency_limit(1)
        .service(service_fn(async |_: Request<()>| {
            std::future::pending::<Result<Response<()>, Infallible>>().await
        }));
    let bearer = token(&issuer).bearer();
    let mut served = Box::pin(service.clone().oneshot(request(&bearer, ())));
    assert!(poll(served.as_mut()).is_pending());
    let eve = token(&issuer).claim("sub", "eve").bearer();
    let refused = service.oneshot(request(&eve, ())).await;
    assert!(refused.unwrap_err().is::<Overloaded>());
    assert_eq!(gated.users.len(), 2, "Eve was created all the same");
}
