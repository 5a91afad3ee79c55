//! Whole requests through the whole layer: every accepted request has a token that another verifier
//! accepts.
#![no_main]

use std::{
    convert::Infallible,
    future::{Ready, ready},
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use http::{HeaderName, HeaderValue, Request, Response, StatusCode, header::AUTHORIZATION};
use jsonwebtoken::{
    Algorithm, DecodingKey, Validation, crypto, decode, errors::ErrorKind as OracleError,
};
use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jit_provisioning::{
    CurrentUser, Error, Identity, MemoryProvisioner, MemoryUser, ProvisionLayer,
};
use tower_layer::Layer;
use tower_service::Service;

/// The subject that the handler was called for.
#[derive(Clone, Debug, PartialEq)]
struct Subject(String);

#[derive(Clone)]
struct Handler;

impl Service<Request<()>> for Handler {
    type Response = Response<()>;
    type Error = Infallible;
    type Future = Ready<Result<Response<()>, Infallible>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<()>) -> Self::Future {
        let extensions = request.extensions();
        CurrentUser::<MemoryUser>::from_extensions(extensions).expect("a user");
        let subject = extensions.get::<Identity>().expect("an identity").subject();
        let mut response = Response::new(());
        response
            .extensions_mut()
            .insert(Subject(subject.to_owned()));
        ready(Ok(response))
    }
}

/// Builds a request from a header, claims, and request lines, in which `%T` is a token of these
/// with a valid signature, and `%U` the same token without a signature.
fn request(data: &[u8]) -> Option<Request<()>> {
    let mut parts = data.splitn(3, |byte| *byte == 0);
    let (header, claims, lines) = (parts.next()?, parts.next()?, parts.next()?);
    let (signed, unsigned) = (lab::signed(header, claims), lab::message(header, claims));
    let mut request = Request::new(());
    for line in str::from_utf8(lines).ok()?.lines().take(16) {
        let (name, value) = line.split_once(':')?;
        let value = value.trim_start_matches(' ');
        let value = value.replace("%T", &signed).replace("%U", &unsigned);
        let name = HeaderName::try_from(name).ok()?;
        let value = HeaderValue::from_bytes(value.as_bytes()).ok()?;
        request.headers_mut().append(name, value);
    }
    Some(request)
}

/// Returns the subject that jsonwebtoken reads from the single credential.
fn oracle(request: &Request<()>) -> Option<String> {
    let mut values = request.headers().get_all(AUTHORIZATION).iter();
    let value = values.next()?.to_str().ok()?;
    if values.next().is_some() {
        return None;
    }
    let (scheme, token) = value.trim().split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("bearer") {
        return None;
    }
    let token = token.trim();
    let mut validation = Validation::new(Algorithm::HS256);
    validation.set_audience(&[lab::AUDIENCE]);
    validation.set_issuer(&[lab::ISSUER]);
    validation.set_required_spec_claims(&["aud", "exp", "iss", "sub"]);
    validation.validate_nbf = true;
    let key = DecodingKey::from_secret(&lab::SECRET);
    let claims = match decode::<Value>(token, &key, &validation) {
        Ok(decoded) => decoded.claims,
        // The other verifier reads header members that this crate ignores.
        Err(error) if matches!(error.kind(), OracleError::Json(_)) => {
            let (message, signature) = token.rsplit_once('.')?;
            let is_signed =
                crypto::verify(signature, message.as_bytes(), &key, Algorithm::HS256).ok()?;
            let payload = message.split_once('.')?.1;
            let payload = URL_SAFE_NO_PAD.decode(payload).ok()?;
            serde_json::from_slice(&payload)
                .ok()
                .filter(|_| is_signed)?
        }
        Err(_) => return None,
    };
    Some(claims["sub"].as_str()?.to_owned())
}

fuzz_target!(|data: &[u8]| {
    let Some(request) = request(data) else {
        return;
    };
    let layer = ProvisionLayer::new(lab::REMEMBERING.clone(), MemoryProvisioner::new());
    let mut service = layer.layer(Handler);
    let mut ask = || {
        let response = pin!(service.call(request.clone()));
        match response.poll(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(Ok(response)) => response,
            Poll::Pending => panic!("a request with cached key and users did not complete at once"),
        }
    };
    let first = ask();
    let subject = first.extensions().get::<Subject>();
    match subject {
        Some(Subject(subject)) => {
            assert_eq!(Some(subject), oracle(&request).as_ref(), "let in");
            assert_eq!(first.status(), StatusCode::OK);
        }
        None => {
            assert!(first.extensions().get::<Error>().is_some());
            // A rejection over gRPC has status 200 and a separate `grpc-status`.
            let is_refusal = match first.headers().get("grpc-status") {
                Some(status) => status == "16" || status == "7",
                None => first.status().is_client_error(),
            };
            assert!(is_refusal, "{first:?}");
        }
    }
    // The cached result is the same.
    let second = ask();
    assert_eq!(first.status(), second.status());
    assert_eq!(subject, second.extensions().get::<Subject>());
});
