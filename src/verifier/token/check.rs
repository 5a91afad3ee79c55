//! The sequence of checks.

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use super::{
    audience::check_audience,
    compact::{Compact, decode},
    header::Header,
    identify::identify,
    signature::check_signature,
    times::check_times,
    token_type::check_type,
};
use crate::{
    claims::{Object, Value},
    clock::Clock,
    error::{Error, TokenFault},
    identity::{Identity, Proof},
    verifier::{issuer::Issuer, keys::TrustedKey},
};

/// Runs every check. `find` returns the trusted issuer with exactly this `iss`.
pub(in crate::verifier) async fn check<'i>(
    token: &str,
    find: impl FnOnce(&str) -> Option<&'i Issuer>,
    clock: &Clock,
) -> Result<Identity, Error> {
    let parts = Compact::split(token)?;
    let header = decode(parts.header)?;
    let header = Header::parse(&header)?;
    let payload = decode(parts.payload)?;
    let claims = Object::parse(&payload).map_err(|_| TokenFault::Claims)?;

    let issuer = claims
        .get("iss")
        .and_then(Value::as_str)
        .and_then(find)
        .ok_or(TokenFault::Issuer)?;
    let (key, now) = check_signature(&parts, &header, issuer, clock).await?;
    check_claims(
        token,
        issuer,
        header.typ.as_deref(),
        &claims,
        Some(key),
        now,
    )
}

/// Runs the checks that follow the signature. `None` as `key` makes an identity without proof.
fn check_claims(
    token: &str,
    issuer: &Issuer,
    typ: Option<&str>,
    claims: &Object<'_>,
    key: Option<Arc<TrustedKey>>,
    now: i64,
) -> Result<Identity, Error> {
    check_type(issuer, typ, claims)?;
    let (times, validity) = check_times(issuer, claims, now)?;
    check_audience(&issuer.audience, claims)?;
    // RFC 7800: the token is bound to a key, and no proof of possession was verified.
    if claims.contains("cnf") {
        return Err(TokenFault::ProofOfPossession.into());
    }
    for (pointer, expected) in &issuer.required_claims {
        let holds = match pointer.find(claims) {
            Some(Value::String(text)) => text == expected,
            Some(Value::Array(items)) => items.iter().any(|item| item.as_str() == Some(expected)),
            _ => false,
        };
        if !holds {
            return Err(TokenFault::RequiredClaim.into());
        }
    }
    let scopes = issuer.claims.scopes(claims);
    if !issuer
        .required_scopes
        .iter()
        .all(|scope| scopes.contains(&scope.as_str()))
    {
        return Err(Error::insufficient_scope(&issuer.required_scope));
    }

    let proof = key.map(|key| Proof {
        validity,
        key: key.validity().clone(),
    });
    Ok(identify(issuer, claims, &scopes, &times, token, proof)?)
}

/// Runs the checks that follow the signature on unsigned claims. The identity is no evidence and
/// must not leave this crate.
pub(in crate::verifier) fn check_unsigned<'i>(
    claims: &str,
    find: impl FnOnce(&str) -> Option<&'i Issuer>,
    clock: &Clock,
) -> Result<Identity, Error> {
    let token = format!("e30.{}.e30", URL_SAFE_NO_PAD.encode(claims));
    let claims = Object::parse(claims.as_bytes()).map_err(|_| TokenFault::Claims)?;
    let issuer = claims.get("iss").and_then(Value::as_str).and_then(find);
    let issuer = issuer.ok_or(TokenFault::Issuer)?;
    let typ = issuer.token_types.first().map(String::as_str);
    check_claims(&token, issuer, typ, &claims, None, clock.now())
}

/// Runs the checks up to the signature against the given issuer, and returns the decoded payload.
#[cfg(feature = "testing")]
pub(in crate::verifier) async fn check_jws(
    token: &str,
    issuer: &Issuer,
    clock: &Clock,
) -> Result<Vec<u8>, Error> {
    let parts = Compact::split(token)?;
    let header = decode(parts.header)?;
    let header = Header::parse(&header)?;
    let payload = decode(parts.payload)?;
    check_signature(&parts, &header, issuer, clock).await?;
    Ok(payload)
}
