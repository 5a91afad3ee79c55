//! Bounds of the layer on bodies, services and futures.

use std::{rc::Rc, sync::Mutex};

use http::{Request, Response};
use tower::{Layer, Service, ServiceBuilder, ServiceExt, service_fn};

use super::services::{Strict, is_send, request};
use crate::issuer::{issuer, layer, token};

#[tokio::test]
async fn bodies_need_neither_send_nor_static() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let text = String::from("local");
    let seen = Mutex::new(Vec::new());
    let inner = service_fn(|request: Request<(Rc<()>, &str)>| {
        let (counter, text) = request.into_body();
        seen.lock().unwrap().push(text.len());
        async move { Ok::<_, Rc<str>>(Response::new(counter)) }
    });
    let mut service = layer(&issuer).layer(inner);
    for _ in 0..2 {
        let body = (Rc::new(()), text.as_str());
        let ready = service.ready().await.unwrap();
        let response = ready.call(request(&bearer, body)).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    let body = (Rc::new(()), text.as_str());
    let ready = service.ready().await.unwrap();
    let refused = ready.call(request("Bearer a.b.c", body)).await.unwrap();
    assert_eq!(refused.status(), 401);
    assert_eq!(*seen.lock().unwrap(), [5, 5]);
}

#[tokio::test]
async fn futures_of_send_services_are_send() {
    let issuer = issuer();
    let mut service = layer(&issuer).layer(Strict::default());
    is_send(&service);
    let bearer = token(&issuer).bearer();
    let service = ServiceExt::<Request<()>>::ready(&mut service)
        .await
        .unwrap();
    let response = service.call(request(&bearer, ()));
    is_send(&response);
    assert_eq!(response.await.unwrap().status(), 200);
}

#[tokio::test]
async fn the_layer_works_with_a_service_builder_and_boxed_services() {
    let issuer = issuer();
    let bearer = token(&issuer).bearer();
    let service = ServiceBuilder::new()
        .concurrency_limit(4)
        .layer(layer(&issuer))
        .layer(layer(&issuer))
        .service(Strict::default());
    let service = tower::util::BoxCloneSyncService::new(service);
    for _ in 0..2 {
        let response = service.clone().oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
}
