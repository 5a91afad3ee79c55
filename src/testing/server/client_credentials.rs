//! The client credentials grant (RFC 6749 section 4.4), for any client.

use std::collections::BTreeMap;

use base64::{Engine, engine::general_purpose::STANDARD};
use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Request, Response, StatusCode,
    header::{AUTHORIZATION, CACHE_CONTROL, WWW_AUTHENTICATE},
};
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde_json::json;

use super::response::json;
use crate::testing::issuer::state::State;

/// The maximum size of a request body, in bytes.
const LIMIT: usize = 64 * 1024;

/// Responds with a token for the client. `sub` and `client_id` are the ID of the client, `aud` is
/// the requested `audience` or `resource` (RFC 8707), and `scope` is the requested scope.
pub(super) async fn token(state: &State, request: Request<Incoming>) -> Response<Bytes> {
    let (head, body) = request.into_parts();
    let Ok(body) = Limited::new(body, LIMIT).collect().await else {
        return error(StatusCode::BAD_REQUEST, "invalid_request");
    };
    let form: BTreeMap<String, String> = form_urlencoded::parse(&body.to_bytes())
        .into_owned()
        .collect();
    if form.get("grant_type").map(String::as_str) != Some("client_credentials") {
        return error(StatusCode::BAD_REQUEST, "unsupported_grant_type");
    }
    let Some(client) = basic(&head.headers).or_else(|| form.get("client_id").cloned()) else {
        let mut response = error(StatusCode::UNAUTHORIZED, "invalid_client");
        let headers = response.headers_mut();
        headers.insert(WWW_AUTHENTICATE, HeaderValue::from_static("Basic"));
        return response;
    };
    let mut token = state.token(&client).claim("client_id", client);
    if let Some(audience) = form.get("audience").or_else(|| form.get("resource")) {
        token = token.audience(audience.as_str());
    }
    if let Some(scope) = form.get("scope") {
        token = token.claim("scope", scope.as_str());
    }
    // `State::token` sets `exp` five minutes in the future.
    let answer = json!({"access_token": token.sign(), "token_type": "Bearer", "expires_in": 300});
    uncached(json(StatusCode::OK, &answer))
}

/// Returns the client ID from HTTP Basic, where it is form-encoded (RFC 6749 section 2.3.1).
fn basic(headers: &HeaderMap) -> Option<String> {
    let credentials = headers.get(AUTHORIZATION)?.to_str().ok()?;
    let (scheme, credentials) = credentials.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let credentials = STANDARD.decode(credentials.trim()).ok()?;
    let client = credentials.split(|byte| *byte == b':').next()?;
    let (client, _) = form_urlencoded::parse(client).next()?;
    Some(client.into_owned())
}

fn error(status: StatusCode, error: &str) -> Response<Bytes> {
    uncached(json(status, &json!({"error": error})))
}

/// RFC 6749 section 5.1: a response with a token must not be cached.
fn uncached(mut response: Response<Bytes>) -> Response<Bytes> {
    let headers = response.headers_mut();
    headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
