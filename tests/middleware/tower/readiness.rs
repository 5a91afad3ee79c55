//! Readiness and errors of the inner service.

use std::task::Poll;

use http::Response;
use tower_jit_provisioning::{Error, ErrorKind, Outcome};

use super::services::{mocked, outcome, received, request};
use crate::issuer::{issuer, layer, token};

#[tokio::test]
async fn readiness_is_that_of_the_inner_service() {
    let issuer = issuer();
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(0);
    assert!(service.poll_ready().is_pending());
    assert!(service.poll_ready().is_pending());

    // Cold, then warm: each call waits for the inner service, and uses the ready one.
    for expected in [Outcome::Created, Outcome::Found, Outcome::Found] {
        handle.allow(1);
        assert!(service.is_woken());
        assert!(matches!(service.poll_ready(), Poll::Ready(Ok(()))));
        let mut response = tokio::spawn(service.call(request(&bearer, ())));
        let (arrived, respond) = received(&mut handle, &mut response).await;
        assert_eq!(outcome(&arrived), expected);
        assert!(service.poll_ready().is_pending());
        respond.send_response(Response::new(()));
        assert_eq!(response.await.unwrap().unwrap().status(), 200);
    }
}

#[tokio::test]
async fn a_failing_inner_service_fails_readiness() {
    let issuer = issuer();
    let (mut service, mut handle) = mocked(layer(&issuer));
    handle.send_error("worn out");
    let Poll::Ready(Err(error)) = service.poll_ready() else {
        panic!("ready");
    };
    assert_eq!(error.to_string(), "worn out");
}

#[tokio::test]
async fn a_failing_inner_call_fails_the_response() {
    let issuer = issuer();
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    for _ in 0..2 {
        handle.allow(1);
        assert!(service.poll_ready().is_ready());
        let mut response = tokio::spawn(service.call(request(&bearer, ())));
        let (_, respond) = received(&mut handle, &mut response).await;
        respond.send_error("broken");
        let error = response.await.unwrap().unwrap_err();
        assert_eq!(error.to_string(), "broken");
    }
}

#[tokio::test]
async fn a_refused_request_never_reaches_the_inner_service() {
    let issuer = issuer();
    let (mut service, mut handle) = mocked(layer(&issuer));
    let bearer = token(&issuer).bearer();
    handle.allow(1);
    // Rejected in `call`, and rejected in the future.
    for (authorization, status, challenge, kind) in [
        ("Basic dTpw", 401, "Bearer", ErrorKind::MissingToken),
        (
            "Bearer",
            400,
            "Bearer error=\"invalid_request\"",
            ErrorKind::InvalidRequest,
        ),
        (
            "Bearer a.b.c",
            401,
            "Bearer error=\"invalid_token\"",
            ErrorKind::InvalidToken,
        ),
    ] {
        assert!(service.poll_ready().is_ready());
        let response = service.call(request(authorization, ())).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.headers()["www-authenticate"], challenge);
        assert_eq!(response.extensions().get::<Error>().unwrap().kind(), kind);
        assert!(handle.poll_request().is_pending());
    }
    // The readiness that no rejected request used is still reserved.
    assert!(service.poll_ready().is_ready());
    let mut response = tokio::spawn(service.call(request(&bearer, ())));
    let (_, respond) = received(&mut handle, &mut response).await;
    respond.send_response(Response::new(()));
    assert_eq!(response.await.unwrap().unwrap().status(), 200);
}
