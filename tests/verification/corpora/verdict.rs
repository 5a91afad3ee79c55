//! The result of verifying a token with the keys it was published with.

use std::{
    error::Error as StdError,
    fmt,
    pin::pin,
    task::{Context, Poll, Waker},
};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use tower_jit_provisioning::{
    Algorithm, JwtVerifier, KeySource, TokenFault, TrustedIssuer, testing::verify_jws,
};

const ISSUER: &str = "https://id.example.com";

#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Verdict {
    /// The token was accepted; holds its payload.
    Accepted(Vec<u8>),
    /// The keys were rejected by the configuration; holds the fault's code.
    Misconfigured(&'static str),
    Refused(TokenFault),
}

impl Verdict {
    pub(crate) fn is_accepted(&self) -> bool {
        matches!(self, Self::Accepted(_))
    }
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Accepted(_) => "accepted",
            Self::Misconfigured(code) => code,
            Self::Refused(fault) => fault.as_str(),
        })
    }
}

/// Checks a token with a key or a key set. A single `oct` key is used as the operator's shared
/// secret, with its `alg` as the only allowed algorithm; any other value is used as a published key
/// set.
pub(crate) fn verdict_of(keys: &Value, jws: &Value) -> Verdict {
    match sole_secret(keys) {
        Some(secret) => judge_with_secret(secret, jws),
        None => judge_with_set(keys, jws),
    }
}

fn sole_secret(keys: &Value) -> Option<&Value> {
    let key = match keys.get("keys").and_then(Value::as_array) {
        None => keys,
        Some(keys) if keys.len() == 1 => &keys[0],
        Some(_) => return None,
    };
    (key["kty"] == "oct").then_some(key)
}

fn judge_with_secret(key: &Value, jws: &Value) -> Verdict {
    let published = judge_with_set(key, jws);
    assert_eq!(published, Verdict::Misconfigured("no_keys"));

    let algorithms: Vec<_> = match key["alg"].as_str().unwrap_or("HS256") {
        "HS256" => vec![Algorithm::Hs256],
        "HS384" => vec![Algorithm::Hs384],
        "HS512" => vec![Algorithm::Hs512],
        _ => Vec::new(),
    };
    let secret = URL_SAFE_NO_PAD.decode(key["k"].as_str().unwrap()).unwrap();
    let source = KeySource::hmac_secret(secret);
    judge_for(
        TrustedIssuer::new(ISSUER, "any", source).with_algorithms(algorithms),
        jws,
    )
}

fn judge_with_set(keys: &Value, jws: &Value) -> Verdict {
    let set = match keys.get("keys") {
        Some(_) => keys.clone(),
        None => json!({"keys": [keys]}),
    };
    let source = KeySource::jwks(set.to_string());
    judge_for(TrustedIssuer::new(ISSUER, "any", source), jws)
}

fn judge_for(issuer: TrustedIssuer, jws: &Value) -> Verdict {
    let token = match jws {
        Value::String(compact) => compact.clone(),
        serialized => serialized.to_string(),
    };
    let verifier = match JwtVerifier::new([issuer]) {
        Ok(verifier) => verifier,
        Err(error) => return Verdict::Misconfigured(error.faults()[0].kind().as_str()),
    };
    // Verification never waits when the keys are available.
    let checked = pin!(verify_jws(&verifier, ISSUER, &token));
    let Poll::Ready(checked) = checked.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("verification did not complete at once");
    };
    let signed = checked.as_ref().err().map(|error| {
        let source = error.source().expect("a refused token has a fault");
        *source
            .downcast_ref::<TokenFault>()
            .expect("a token's fault")
    });

    // No payload holds claims for this issuer, so full verification rejects every token.
    let verified = pin!(verifier.verify(&token));
    let Poll::Ready(verified) = verified.poll(&mut Context::from_waker(Waker::noop())) else {
        panic!("verification did not complete at once");
    };
    assert!(verified.is_err());

    match (checked, signed) {
        (Ok(payload), _) => Verdict::Accepted(payload),
        (Err(_), Some(fault)) => Verdict::Refused(fault),
        (Err(error), None) => panic!("{error}"),
    }
}
