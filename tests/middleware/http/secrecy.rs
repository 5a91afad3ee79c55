//! Responses never repeat their request, and the inner service's responses and errors stay
//! unchanged.

use std::{convert::Infallible, error::Error as StdError, fmt};

use bytes::Bytes;
use http::{
    Response, StatusCode,
    header::{AUTHORIZATION, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Full};
use tower::{ServiceBuilder, ServiceExt, service_fn};
use tower_jit_provisioning::Error;

use super::app::{Refusal, layer, request, router};
use crate::issuer::{AUDIENCE, issuer, scoped_token};

#[tokio::test]
async fn a_response_repeats_no_part_of_the_request() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let marks = ["MARK-1", "MARK-2", "MARK-3", "MARK-4", "MARK-5", "MARK-6"];
    let token = scoped_token(&issuer)
        .header("kid", marks[0])
        .claim("sub", marks[1])
        .claim("scope", marks[2])
        .audience(marks[3]);
    for bearer in [
        "Bearer MARK-4".to_owned(),
        "Bearer MARK-4 MARK-5".to_owned(),
        "MARK-4 MARK-5".to_owned(),
        token.bearer(),
        token.clone().header("kid", "key-1").bearer(),
        token.clone().header("alg", marks[4]).bearer(),
        token.clone().claim("iss", marks[4]).bearer(),
        token.header("kid", "key-1").audience(AUDIENCE).bearer(),
    ] {
        let mut ask = request("/me?q=MARK-5", &[&bearer]);
        ask.headers_mut()
            .insert("x-request-id", "MARK-6".parse().unwrap());
        let refusal = Refusal::of(app.clone(), ask).await;
        let said = format!(
            "{:?} {} {:?} {}",
            refusal.headers, refusal.body, refusal.error, refusal.error
        );
        for mark in marks.iter().chain([&&bearer["Bearer ".len()..]]) {
            assert!(!said.contains(mark), "{mark} in {said}");
        }
    }
}

#[derive(Debug, PartialEq)]
struct Broken(u8);

impl fmt::Display for Broken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("broken")
    }
}

impl StdError for Broken {}

#[tokio::test]
async fn errors_of_the_inner_service_pass_through_unchanged() {
    let issuer = issuer();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |request: http::Request<u8>| {
            Err::<Response<()>, _>(Broken(request.into_body()))
        }));
    let bearer = scoped_token(&issuer).bearer();
    for body in [1, 2] {
        let request = http::Request::get("/")
            .header(AUTHORIZATION, &bearer)
            .body(body)
            .unwrap();
        let error = service.clone().oneshot(request).await.unwrap_err();
        assert_eq!(error, Broken(body));
    }
    // A rejection is a response, independent of the inner service's error type.
    let request = http::Request::get("/").body(3).unwrap();
    assert_eq!(service.oneshot(request).await.unwrap().status(), 401);
}

#[tokio::test]
async fn responses_of_the_inner_service_pass_through_unchanged() {
    let issuer = issuer();
    let service = ServiceBuilder::new()
        .layer(layer(&issuer))
        .service(service_fn(async |_: http::Request<()>| {
            let response = Response::builder()
                .status(StatusCode::UNAUTHORIZED)
                .header(WWW_AUTHENTICATE, "Basic realm=\"mine\"")
                .extension(7_u8)
                .body(Full::new(Bytes::from_static(b"mine")));
            Ok::<_, Infallible>(response.unwrap())
        }));
    for _ in 0..2 {
        let request = http::Request::get("/")
            .header(AUTHORIZATION, scoped_token(&issuer).bearer())
            .body(())
            .unwrap();
        let response = service.clone().oneshot(request).await.unwrap();
        assert_eq!(response.status(), 401);
        assert_eq!(response.headers()[WWW_AUTHENTICATE], "Basic realm=\"mine\"");
        assert_eq!(response.extensions().get::<u8>(), Some(&7));
        assert!(response.extensions().get::<Error>().is_none());
        let size = http_body::Body::size_hint(response.body());
        assert_eq!(size.exact(), Some(4));
        let body = response.into_body().collect().await.unwrap().to_bytes();
        assert_eq!(body, "mine");
    }
}
