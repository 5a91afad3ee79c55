//! The steps of verification.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::Value;

use crate::{
    error::{Error, ErrorKind, TokenFault},
    identity::Identity,
    provisioner::explain::{Step, StepResult},
    verifier::JwtVerifier,
};

/// The checks in order, each with the claims and header members that it reads.
const CHECKS: [(&str, &[&str]); 15] = [
    ("form", &[]),
    ("header", &["alg", "kid", "typ", "crit"]),
    ("claims", &[]),
    ("issuer", &["iss"]),
    ("algorithm", &["alg"]),
    ("key", &["kid"]),
    ("signature", &[]),
    ("token type", &["typ", "token_use"]),
    ("times", &["exp", "nbf", "iat"]),
    ("audience", &["aud", "azp", "client_id"]),
    ("proof", &["cnf"]),
    ("required claims", &[]),
    ("scopes", &["scope", "scp"]),
    ("subject", &["sub"]),
    ("tenant", &[]),
];

/// The checks that need a signed token and not only its claims.
const SIGNED: [&str; 5] = ["form", "header", "algorithm", "key", "signature"];

pub(super) async fn of_token(
    verifier: &JwtVerifier,
    token: &str,
) -> (Vec<Step>, Result<Identity, &'static str>) {
    let checked = verifier.verify_afresh(token).await;
    let mut parts = token.split('.').map(|part| {
        let json = URL_SAFE_NO_PAD.decode(part).unwrap_or_default();
        serde_json::from_slice::<Value>(&json).unwrap_or_default()
    });
    let header = parts.next().unwrap_or_default();
    let claims = parts.next().unwrap_or_default();
    trace(checked, &header, &claims, &[])
}

pub(super) fn of_claims(
    verifier: &JwtVerifier,
    claims: &str,
) -> (Vec<Step>, Result<Identity, &'static str>) {
    let checked = verifier.check_claims(claims);
    let claims = serde_json::from_str(claims).unwrap_or_default();
    trace(checked, &Value::Null, &claims, &SIGNED)
}

fn trace(
    checked: Result<Identity, Error>,
    header: &Value,
    claims: &Value,
    skipped: &[&str],
) -> (Vec<Step>, Result<Identity, &'static str>) {
    let refusal = checked.as_ref().err().map(refusing_check);
    let stop = refusal.and_then(|(name, _)| CHECKS.iter().position(|(check, _)| *check == name));
    let steps = CHECKS.iter().enumerate().map(|(index, (name, read))| {
        let result = match stop {
            _ if skipped.contains(name) => StepResult::Skipped,
            Some(stop) if index == stop => StepResult::Failed,
            Some(stop) if index > stop => StepResult::Skipped,
            Some(_) | None => StepResult::Passed,
        };
        let mut detail = stated(read, header, claims);
        if let (StepResult::Failed, Some((_, reason))) = (result, refusal) {
            detail = format!("{reason} {detail}");
        }
        Step::new(name, result, detail.trim_end())
    });
    (
        steps.collect(),
        checked.map_err(|error| refusing_check(&error).1),
    )
}

/// Returns the values that a check reads, such as `aud="orders-api"`.
fn stated(read: &[&str], header: &Value, claims: &Value) -> String {
    let values = read.iter().filter_map(|name| {
        let value = header.get(name).or_else(|| claims.get(name))?;
        Some(format!("{name}={value}"))
    });
    values.collect::<Vec<_>>().join(" ")
}

/// Returns the check that refused the token, and the label of the reason.
fn refusing_check(error: &Error) -> (&'static str, &'static str) {
    let check = match (error.kind(), error.token_fault()) {
        (ErrorKind::InsufficientScope, _) => "scopes",
        (ErrorKind::Unavailable, _) => "key",
        (_, Some(fault)) => check_of(fault),
        (_, None) => "form",
    };
    (check, error.reason())
}

fn check_of(fault: TokenFault) -> &'static str {
    match fault {
        TokenFault::Algorithm => "algorithm",
        TokenFault::Audience => "audience",
        TokenFault::Claims => "claims",
        TokenFault::CriticalHeader | TokenFault::Header => "header",
        TokenFault::Expired
        | TokenFault::ExpiryMissing
        | TokenFault::NotYetValid
        | TokenFault::TooOld => "times",
        TokenFault::Issuer => "issuer",
        TokenFault::Key => "key",
        TokenFault::Malformed | TokenFault::TooLarge => "form",
        TokenFault::ProofOfPossession => "proof",
        TokenFault::RequiredClaim => "required claims",
        TokenFault::Signature => "signature",
        TokenFault::Subject => "subject",
        TokenFault::Tenant => "tenant",
        TokenFault::TokenType => "token type",
    }
}
