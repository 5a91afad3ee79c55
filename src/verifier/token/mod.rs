//! The checks on one token, in the order of their cost.
//!
//! Nothing in here waits or touches the network. The order decides what a flood of garbage costs:
//! size and alphabet first, then the two JSON documents, then issuer and key, and the signature
//! only for a token that names both.

mod compact;
mod header;

use std::sync::Arc;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use tokio::time::Instant;

use self::compact::{Compact, decode};
pub(crate) use self::header::Header;
use super::{audience::Audience, issuer::Issuer, keys::TrustedKey};
use crate::{
    claims::{Object, Value},
    clock::Clock,
    error::{Error, TokenFault},
    identity::{Identity, Proof, Validity},
    principal::{Principal, PrincipalParts},
};

/// 9999-12-31T23:59:59Z, in seconds: what stands after it is milliseconds taken for seconds.
const MAX_DATE: f64 = 253_402_300_799.0;

/// Refuses what has not even the form of a token.
pub(super) fn screen(token: &str) -> Result<(), TokenFault> {
    Compact::split(token).map(drop)
}

/// Runs every check. `find` returns the trusted issuer of an exact `iss`.
pub(super) async fn check<'i>(
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

/// Runs the checks behind the signature: on what a trusted issuer signed with `key`.
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
    // RFC 7800: whoever holds the token is not enough, and nobody checked the proof.
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

/// Runs the checks behind the signature on claims that nobody signed. The identity is no evidence,
/// and must not leave this crate.
pub(super) fn check_unsigned<'i>(
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

/// Runs the checks up to the signature, for the issuer given, and returns the payload as it is.
#[cfg(feature = "testing")]
pub(super) async fn check_jws(
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

/// Returns the key that the signature was made with, and when it was still valid.
async fn check_signature(
    parts: &Compact<'_>,
    header: &Header<'_>,
    issuer: &Issuer,
    clock: &Clock,
) -> Result<(Arc<TrustedKey>, i64), Error> {
    if !issuer.algorithms.contains(&header.algorithm) {
        return Err(TokenFault::Algorithm.into());
    }
    let signature = decode(parts.signature)?;
    let (kid, algorithm) = (header.kid.as_deref(), header.algorithm);
    let began = Instant::now();
    let mut key = issuer.keys.find(kid, algorithm, began).await?;
    let message = parts.message.as_bytes();
    if !key.verifies(algorithm, message, &signature) {
        let successor = issuer
            .keys
            .find_successor(&key, kid, algorithm, began)
            .await;
        key = successor.ok_or(TokenFault::Signature)?;
        if !key.verifies(algorithm, message, &signature) {
            return Err(TokenFault::Signature.into());
        }
    }
    let now = clock.now();
    match key.is_valid_at(now) {
        true => Ok((key, now)),
        false => Err(TokenFault::Key.into()),
    }
}

/// Tells an access token from the issuer's other JWTs, which have the same keys and often the same
/// audience (RFC 8725 section 3.12, RFC 9068 section 2.1).
fn check_type(issuer: &Issuer, typ: Option<&str>, claims: &Object<'_>) -> Result<(), TokenFault> {
    let bare = |typ: &str| {
        let prefix = "application/";
        match typ.get(..prefix.len()) {
            Some(start) if start.eq_ignore_ascii_case(prefix) => typ[prefix.len()..].to_owned(),
            _ => typ.to_owned(),
        }
    };
    let is_allowed = typ.map_or(issuer.untyped_tokens, |typ| {
        let typ = bare(typ);
        issuer
            .token_types
            .iter()
            .any(|allowed| bare(allowed).eq_ignore_ascii_case(&typ))
    });
    // Keycloak says it in the payload's `typ`, Cognito in `token_use`; the hashes are OpenID
    // Connect Core 1.0 section 3.1.3.6's, the event is Back-Channel Logout 1.0 section 2.4's.
    let named = |name: &str, values: &[&str]| {
        claims
            .get(name)
            .and_then(Value::as_str)
            .is_some_and(|value| values.iter().any(|other| value.eq_ignore_ascii_case(other)))
    };
    let is_id_token = claims.contains("at_hash")
        || claims.contains("c_hash")
        || named("typ", &["ID"])
        || named("token_use", &["id"])
        || issuer.claims.is_id_token(claims);
    let is_other_token = named("typ", &["Refresh", "Offline", "Logout"])
        || named("token_use", &["refresh", "logout"])
        || issuer.claims.is_other_token(claims)
        || claims
            .get("events")
            .and_then(Value::as_object)
            .is_some_and(|events| {
                events.contains("http://schemas.openid.net/event/backchannel-logout")
            });
    match is_allowed && !is_other_token && (issuer.id_tokens || !is_id_token) {
        true => Ok(()),
        false => Err(TokenFault::TokenType),
    }
}

/// `exp` and `iat`, in milliseconds, without leeway.
struct Times {
    expires_at: i64,
    issued_at: Option<i64>,
}

fn check_times(
    issuer: &Issuer,
    claims: &Object<'_>,
    now: i64,
) -> Result<(Times, Validity), TokenFault> {
    let expires_at = date(claims, "exp")?.ok_or(TokenFault::ExpiryMissing)?;
    let not_before = date(claims, "nbf")?;
    let issued_at = date(claims, "iat")?;
    let oldest = match (issuer.max_age, issued_at) {
        (None, _) => i64::MAX,
        (Some(_), None) => return Err(TokenFault::TooOld),
        (Some(age), Some(issued_at)) => issued_at.saturating_add(age),
    };
    let validity = Validity {
        from: not_before
            .max(issued_at)
            .unwrap_or(0)
            .saturating_sub(issuer.leeway),
        until: expires_at.min(oldest).saturating_add(issuer.leeway),
    };
    if now >= expires_at.saturating_add(issuer.leeway) {
        return Err(TokenFault::Expired);
    }
    if now >= validity.until {
        return Err(TokenFault::TooOld);
    }
    if !validity.covers(now) {
        return Err(TokenFault::NotYetValid);
    }
    let times = Times {
        expires_at,
        issued_at,
    };
    Ok((times, validity))
}

/// Reads a NumericDate (RFC 7519 section 2; a fraction is legal) in milliseconds. Any other type
/// refuses the token: taken for absent, a malformed `nbf` switches the check off (CVE-2026-25537).
fn date(claims: &Object<'_>, name: &str) -> Result<Option<i64>, TokenFault> {
    match claims.get(name) {
        None => Ok(None),
        Some(Value::Number(seconds)) if (0.0..=MAX_DATE).contains(seconds) => {
            Ok(Some((seconds * 1000.0) as i64))
        }
        Some(_) => Err(TokenFault::Claims),
    }
}

fn check_audience(audience: &Audience, claims: &Object<'_>) -> Result<(), TokenFault> {
    let names = |name: &str, allowed: &[String]| {
        let value = claims.get(name).and_then(Value::as_str);
        value.is_some_and(|value| allowed.iter().any(|other| other == value))
    };
    let holds = match audience {
        Audience::AuthorizedParty(allowed) => names("azp", allowed),
        Audience::Claim(allowed) => match claims.get("aud") {
            Some(Value::String(_)) => names("aud", allowed),
            // RFC 7519 section 4.1.3: an array of strings, and nothing else in it.
            Some(Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some())
                    && items
                        .iter()
                        .filter_map(Value::as_str)
                        .any(|item| allowed.iter().any(|other| other == item))
            }
            _ => false,
        },
        Audience::ClientId(allowed) => names("client_id", allowed),
    };
    holds.then_some(()).ok_or(TokenFault::Audience)
}

fn identify(
    issuer: &Issuer,
    claims: &Object<'_>,
    scopes: &[&str],
    times: &Times,
    token: &str,
    proof: Option<Proof>,
) -> Result<Identity, TokenFault> {
    let (map, origin) = (&issuer.claims, &issuer.origin);
    let subject = map.subject(claims)?;
    let (email, email_is_vouched) = map.email(claims).unzip();
    let principal = Principal::new(PrincipalParts {
        origin,
        tenant: issuer.tenancy.tenant(map, claims)?,
        token,
        subject: &subject,
        kind: map.kind(&subject, claims),
        email,
        email_is_vouched: email_is_vouched.unwrap_or(false),
        full_name: map.full_name(claims),
        username: map.username(claims),
        client_id: map.client_id(claims),
        scopes,
        roles: issuer.policy.mapped(map.roles(claims)),
        issued_at: times.issued_at,
        expires_at: times.expires_at,
    });
    Ok(Identity::new(principal, &issuer.policy, proof))
}
