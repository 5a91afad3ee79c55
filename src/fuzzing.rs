//! Entry points for the targets in `tests/fuzz`: the parsers of hostile input, one by one.
//!
//! Compiled under `--cfg fuzzing` only. Not part of the API.

use http::{HeaderValue, Request, header::AUTHORIZATION};
use serde_json::{Map, Number};

use crate::{
    claims::{Object, Value},
    credential::{self, RequestHead, TokenSource},
    error::{ErrorKind, TokenFault},
    fetch::metadata::jwks_uri,
    verifier::{self, algorithm::Algorithm},
};

/// The members of a token's header that are read.
#[derive(Debug)]
#[non_exhaustive]
pub struct Header {
    pub algorithm: Algorithm,
    pub kid: Option<String>,
    pub typ: Option<String>,
}

/// Parses a token's header.
pub fn header(json: &[u8]) -> Result<Header, TokenFault> {
    let header = verifier::Header::parse(json)?;
    Ok(Header {
        algorithm: header.algorithm,
        kid: header.kid.map(Into::into),
        typ: header.typ.map(Into::into),
    })
}

/// Parses claims. Returns them with the number of members; a repeated member counts each time.
#[must_use]
pub fn claims(json: &[u8]) -> Option<(serde_json::Value, usize)> {
    let object = Object::parse(json).ok()?;
    let mut members = 0;
    let claims = object_of(&object, &mut members);
    Some((claims, members))
}

fn object_of(object: &Object<'_>, members: &mut usize) -> serde_json::Value {
    let mut map = Map::new();
    for name in object.names() {
        *members += 1;
        if let Some(value) = object.get(name) {
            map.insert(name.to_owned(), value_of(value, members));
        }
    }
    map.into()
}

fn value_of(value: &Value<'_>, members: &mut usize) -> serde_json::Value {
    match value {
        Value::Null => serde_json::Value::Null,
        Value::Bool(value) => (*value).into(),
        Value::Number(value) => Number::from_f64(*value).into(),
        Value::String(text) => text.as_ref().into(),
        Value::Array(items) => items.iter().map(|item| value_of(item, members)).collect(),
        Value::Object(object) => object_of(object, members),
    }
}

/// A usable key of a set.
#[derive(Debug)]
#[non_exhaustive]
pub struct Key {
    pub kid: Option<String>,
    pub algorithms: Vec<Algorithm>,
    /// The RSA modulus and exponent, the point of an elliptic curve, or the Ed25519 key.
    pub material: Vec<u8>,
    /// The length of the RSA modulus in bytes; 0 for other keys.
    pub modulus_length: usize,
}

/// Parses a key set.
pub fn jwks(json: &[u8], max_keys: usize) -> Result<Vec<Key>, &'static str> {
    let set = verifier::parse_jwks(json, max_keys)?;
    Ok(set
        .entries()
        .map(|(kid, key)| {
            let (algorithms, material, modulus_length) = key.parts();
            Key {
                kid: kid.map(str::to_owned),
                algorithms: algorithms.to_vec(),
                material,
                modulus_length,
            }
        })
        .collect())
}

/// Reads `jwks_uri` from an issuer's metadata.
pub fn discovery(document: &[u8], issuer: &str) -> Result<String, &'static str> {
    jwks_uri(document, issuer)
}

/// Reads the token of a request with these `Authorization` headers. `None` means that one of them
/// is not a valid header value.
#[must_use]
pub fn authorization(values: &[&[u8]]) -> Option<Result<String, ErrorKind>> {
    let mut request = Request::new(());
    for value in values {
        let value = HeaderValue::from_bytes(value).ok()?;
        request.headers_mut().append(AUTHORIZATION, value);
    }
    let sources = [TokenSource::authorization()];
    let credential = credential::read(&sources, &RequestHead::from(&request));
    let token = credential.and_then(|credential| credential.text().map(str::to_owned));
    Some(token.map_err(|error| error.kind()))
}
