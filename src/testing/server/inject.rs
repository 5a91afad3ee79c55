//! Responses with a fault.

use std::iter;

use bytes::Bytes;
use http::{
    HeaderMap, HeaderValue, Response, StatusCode,
    header::{CONTENT_ENCODING, CONTENT_TYPE, ETAG, LOCATION},
    response::Parts,
};
use serde_json::{Value, json};

use super::{
    body::{Body, repeat},
    endpoint::Endpoint,
    fault::Fault,
    gzip_bomb::gzip_bomb,
};
use crate::{
    testing::{issuer::state::State, signing_key::SigningKey},
    verifier::algorithm::Algorithm,
};

const HTML: &str = "<!doctype html><title>Sign in</title><p>Please sign in to use this network.";

/// Injects a fault into the correct response.
///
/// The correct document keeps its `ETag` with any fault. If a client stores the tag of a response
/// that it refused, a test notices by the `304` after the fault.
pub(super) fn inject(
    state: &State,
    endpoint: Endpoint,
    fault: Fault,
    correct: Response<Bytes>,
) -> Response<Body> {
    let (mut head, bytes) = correct.into_parts();
    let keeps_document = matches!(
        fault,
        Fault::Status(_) | Fault::Truncated | Fault::WrongContentType
    );
    if !keeps_document {
        head.headers.remove(ETAG);
    }
    let body = match fault {
        Fault::BadJson => bytes.slice(..bytes.len().saturating_sub(1)).into(),
        Fault::Bom => Bytes::from(["\u{feff}".as_bytes(), &bytes].concat()).into(),
        Fault::DeepJson(depth) => deep(&bytes, depth as u64),
        Fault::DuplicateKid => {
            let signing = state.key();
            let other = SigningKey::generate(signing.kid(), signing.algorithm());
            edited(&bytes, |document| {
                let jwk = other.jwk();
                if let Some(keys) = document["keys"].as_array_mut().filter(|_| !jwk.is_null()) {
                    keys.push(jwk);
                }
            })
        }
        Fault::Empty => Bytes::new().into(),
        Fault::EmptyObject => Bytes::from_static(b"{}").into(),
        Fault::EndlessChunks => Body::chunked(repeat(b' ', u64::MAX)),
        Fault::GzipBomb => {
            let gzip = HeaderValue::from_static("gzip");
            head.headers.insert(CONTENT_ENCODING, gzip);
            gzip_bomb()
        }
        Fault::Html => {
            content_type(&mut head.headers, "text/html; charset=utf-8");
            Bytes::from_static(HTML.as_bytes()).into()
        }
        Fault::IssuerMismatch => edited(&bytes, |document| {
            document["issuer"] = json!("https://other.example.com");
        }),
        Fault::JwksUri(uri) => edited(&bytes, |document| document["jwks_uri"] = json!(uri)),
        Fault::ManyKeys(count) => many_keys(&bytes, count),
        Fault::NoKeys => Bytes::from_static(br#"{"keys":[]}"#).into(),
        Fault::Oversized(length) => {
            let padding = length.saturating_sub(bytes.len() as u64);
            let length = padding + bytes.len() as u64;
            Body::chunked(repeat(b' ', padding).chain(iter::once(bytes))).with_length(length)
        }
        Fault::Redirect(location) => redirect(&mut head, &location),
        Fault::RedirectLoop => redirect(&mut head, &endpoint.url(state.name())),
        Fault::Status(status) => {
            head.status = StatusCode::from_u16(status).unwrap_or(head.status);
            bytes.into()
        }
        Fault::Truncated => Body::truncated(&bytes),
        Fault::WrongContentType => {
            content_type(&mut head.headers, "text/plain");
            bytes.into()
        }
        // Handled in `handle`.
        Fault::Delay(_) | Fault::Drip(_) | Fault::Hang | Fault::Reset => bytes.into(),
    };
    Response::from_parts(head, body)
}

fn content_type(headers: &mut HeaderMap, value: &'static str) {
    headers.insert(CONTENT_TYPE, HeaderValue::from_static(value));
}

fn redirect(head: &mut Parts, location: &str) -> Body {
    head.status = StatusCode::FOUND;
    head.headers.remove(CONTENT_TYPE);
    if let Ok(location) = HeaderValue::try_from(location) {
        head.headers.insert(LOCATION, location);
    }
    Bytes::new().into()
}

fn edited(bytes: &[u8], edit: impl FnOnce(&mut Value)) -> Body {
    let mut document = serde_json::from_slice(bytes).unwrap_or_default();
    edit(&mut document);
    Bytes::from(document.to_string()).into()
}

/// Returns `{"deep":[[…]],` and the rest of the document.
fn deep(bytes: &Bytes, depth: u64) -> Body {
    let head = Bytes::from_static(br#"{"deep":"#);
    let members = bytes.get(1..).unwrap_or_default();
    let comma: &[u8] = if members == b"}" { b"" } else { b"," };
    let tail = Bytes::from([comma, members].concat());
    let length = (head.len() + tail.len()) as u64 + 2 * depth;
    let chunks = iter::once(head)
        .chain(repeat(b'[', depth))
        .chain(repeat(b']', depth))
        .chain(iter::once(tail));
    Body::chunked(chunks).with_length(length)
}

/// Returns `{"keys":[`, one key with many key IDs, and the rest of the key set.
fn many_keys(bytes: &Bytes, count: usize) -> Body {
    const HEAD: &[u8] = br#"{"keys":["#;
    let mut tail = bytes.clone();
    let head = tail.split_to(HEAD.len().min(bytes.len()));
    let is_alone = tail.starts_with(b"]");
    let mut jwk = SigningKey::generate("idle", Algorithm::Es256).jwk();
    let unused = (1..=count).map(move |number| {
        jwk["kid"] = json!(format!("idle-{number}"));
        let comma = if is_alone && number == count { "" } else { "," };
        Bytes::from(format!("{jwk}{comma}"))
    });
    Body::chunked(iter::once(head).chain(unused).chain(iter::once(tail)))
}
