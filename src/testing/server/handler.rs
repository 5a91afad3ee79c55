//! Request handler: the correct response of every endpoint.

use std::{error::Error as StdError, fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Method, Request, Response, StatusCode,
    header::{
        ALLOW, AUTHORIZATION, CACHE_CONTROL, CONTENT_TYPE, ETAG, IF_NONE_MATCH, WWW_AUTHENTICATE,
    },
};
use hyper::body::Incoming;
use serde_json::Value;
use sha2::{Digest, Sha256};
use tokio::time::sleep;

use super::{
    body::Body,
    client_credentials::token,
    endpoint::Endpoint,
    fault::Fault,
    inject::inject,
    response::{empty, json},
};
use crate::testing::issuer::state::State;

/// Error that makes hyper close the connection without a response.
#[derive(Debug)]
pub(super) struct Reset;

impl fmt::Display for Reset {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the connection is closed by a fault")
    }
}

impl StdError for Reset {}

pub(super) async fn handle(
    state: Arc<State>,
    request: Request<Incoming>,
) -> Result<Response<Body>, Reset> {
    let origin = state
        .name()
        .split('/')
        .take(3)
        .collect::<Vec<_>>()
        .join("/");
    let url = format!("{origin}{}", request.uri().path());
    let Some(endpoint) = Endpoint::find(state.name(), &url) else {
        return Ok(empty(StatusCode::NOT_FOUND).map(Body::from));
    };
    state.count(endpoint);
    let fault = state.fault(endpoint).await;
    if let Some(Fault::Delay(time)) = fault {
        sleep(time).await;
    }
    let headers = request.headers().clone();
    let correct = respond(&state, endpoint, request).await;
    match fault {
        None | Some(Fault::Delay(_)) => Ok(not_modified(correct, &headers).map(Body::from)),
        Some(Fault::Drip(pause)) => {
            Ok(not_modified(correct, &headers).map(|bytes| Body::dripping(bytes, pause)))
        }
        Some(Fault::Reset) => Err(Reset),
        Some(fault) => Ok(inject(&state, endpoint, fault, correct)),
    }
}

async fn respond(state: &State, endpoint: Endpoint, request: Request<Incoming>) -> Response<Bytes> {
    let (allowed, is_allowed) = match endpoint {
        Endpoint::Token => ("POST", request.method() == Method::POST),
        Endpoint::UserInfo => (
            "GET, POST",
            [Method::GET, Method::POST].contains(request.method()),
        ),
        Endpoint::Discovery | Endpoint::Jwks | Endpoint::Metadata => (
            "GET, HEAD",
            [Method::GET, Method::HEAD].contains(request.method()),
        ),
    };
    if !is_allowed {
        let mut response = empty(StatusCode::METHOD_NOT_ALLOWED);
        let headers = response.headers_mut();
        headers.insert(ALLOW, HeaderValue::from_static(allowed));
        return response;
    }
    match endpoint {
        Endpoint::Discovery => document(state, &state.discovery()),
        Endpoint::Jwks => document(state, &state.jwks()),
        Endpoint::Metadata => document(state, &state.metadata()),
        Endpoint::Token => token(state, request).await,
        Endpoint::UserInfo => userinfo(state, request.headers()),
    }
}

/// Returns a response that clients may cache.
fn document(state: &State, document: &Value) -> Response<Bytes> {
    let mut response = json(StatusCode::OK, document);
    let digest = URL_SAFE_NO_PAD.encode(Sha256::digest(response.body()));
    let etag = HeaderValue::try_from(format!("\"{digest}\""));
    let headers = response.headers_mut();
    headers.insert(ETAG, etag.expect("base64url in quotes is a header value"));
    if let Some(value) = state.settings().cache_control.clone() {
        headers.insert(CACHE_CONTROL, value);
    }
    response
}

/// Requires a bearer token (OpenID Connect Core 1.0 section 5.3.1), without verifying it.
fn userinfo(state: &State, headers: &HeaderMap) -> Response<Bytes> {
    let is_bearer = headers
        .get(AUTHORIZATION)
        .and_then(|value| value.as_bytes().first_chunk::<7>())
        .is_some_and(|scheme| scheme.eq_ignore_ascii_case(b"bearer "));
    if !is_bearer {
        let mut response = empty(StatusCode::UNAUTHORIZED);
        let headers = response.headers_mut();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        return response;
    }
    json(StatusCode::OK, &state.settings().userinfo)
}

/// Returns a 304 if the request's `If-None-Match` matches the response (RFC 9110 section 13.1.2).
fn not_modified(mut response: Response<Bytes>, request: &HeaderMap) -> Response<Bytes> {
    let Some(etag) = response.headers().get(ETAG) else {
        return response;
    };
    let is_known = request
        .get_all(IF_NONE_MATCH)
        .iter()
        .flat_map(|value| value.as_bytes().split(|byte| *byte == b','))
        .map(<[u8]>::trim_ascii)
        .any(|tag| tag == b"*" || tag.strip_prefix(b"W/").unwrap_or(tag) == etag.as_bytes());
    if is_known {
        *response.status_mut() = StatusCode::NOT_MODIFIED;
        response.headers_mut().remove(CONTENT_TYPE);
        *response.body_mut() = Bytes::new();
    }
    response
}
