//! A key set, valid or hostile.
#![no_main]

use std::collections::HashMap;

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use libfuzzer_sys::fuzz_target;
use serde_json::{Value, json, value::RawValue};
use tower_jit_provisioning::{Algorithm, JwtVerifier, KeySource, TrustedIssuer, fuzzing};

const MAX_KEYS: usize = 64;
const CLAIMS: &[u8] =
    br#"{"iss":"https://id.example.com","aud":"orders-api","sub":"ana","exp":4102444800}"#;

fn check(key: &fuzzing::Key) {
    assert!(!key.algorithms.is_empty());
    assert!(key.kid.as_ref().is_none_or(|kid| kid.len() <= 1024));
    for algorithm in &key.algorithms {
        match algorithm {
            Algorithm::EdDsa => assert_eq!(key.material.len(), 32),
            Algorithm::Es256 => assert_eq!(key.material.len(), 65),
            Algorithm::Es384 => assert_eq!(key.material.len(), 97),
            Algorithm::Es512 => assert_eq!(key.material.len(), 133),
            Algorithm::Hs256 | Algorithm::Hs384 | Algorithm::Hs512 => {
                panic!("a public set has a secret")
            }
            _ => {
                let (modulus, exponent) = key.material.split_at(key.modulus_length);
                let bits = modulus.len() * 8 - modulus[0].leading_zeros() as usize;
                assert!((2048..=8192).contains(&bits));
                assert_eq!(modulus[modulus.len() - 1] % 2, 1);
                assert!(exponent.len() <= 5 && exponent[exponent.len() - 1] % 2 == 1);
                assert!(exponent.len() > 3 || *exponent >= [1, 0, 1][..] && exponent.len() == 3);
            }
        }
    }
}

/// Returns the keys of the document as the other parser reads them. Keys it cannot read, for
/// example because of a lone surrogate in a string, do not invalidate the others.
fn published(document: &[u8]) -> Vec<Value> {
    let members: HashMap<String, &RawValue> = serde_json::from_slice(document).unwrap();
    let keys: Vec<&RawValue> = serde_json::from_str(members["keys"].get()).unwrap();
    keys.iter()
        .filter_map(|key| serde_json::from_str(key.get()).ok())
        .collect()
}

/// Returns whether a key of the document was published for verification with this name.
fn is_published(keys: &[Value], key: &fuzzing::Key) -> bool {
    keys.iter().any(|jwk| {
        jwk["kid"].as_str() == key.kid.as_deref()
            && jwk["use"].as_str().is_none_or(|purpose| purpose == "sig")
            && jwk["alg"].as_str().is_none_or(|alg| {
                let [only] = key.algorithms.as_slice() else {
                    return false;
                };
                only.as_str() == alg
            })
            && jwk["key_ops"]
                .as_array()
                .is_none_or(|operations| operations.iter().any(|operation| operation == "verify"))
    })
}

fuzz_target!(|data: &[u8]| {
    let Ok(keys) = fuzzing::jwks(data, MAX_KEYS) else {
        return;
    };
    assert!((1..=MAX_KEYS).contains(&keys.len()));
    let published = published(data);
    for key in &keys {
        check(key);
        assert!(
            is_published(&published, key),
            "{key:?} is no key of the set"
        );
    }

    // Signatures are slow, so only a few inputs are signed.
    if data.len() % 61 != 0 {
        return;
    }
    let source = KeySource::jwks(str::from_utf8(data).expect("JSON is UTF-8"));
    let issuer = TrustedIssuer::new(lab::ISSUER, lab::AUDIENCE, source);
    let verifier = JwtVerifier::new([issuer]).unwrap();
    for key in keys.iter().take(2) {
        let algorithm = key.algorithms[0];
        let length = match algorithm {
            Algorithm::EdDsa | Algorithm::Es256 => 64,
            Algorithm::Es384 => 96,
            Algorithm::Es512 => 132,
            _ => key.modulus_length,
        };
        let mut header = json!({"alg": algorithm.as_str()});
        if let Some(kid) = &key.kid {
            header["kid"] = json!(kid);
        }
        let message = lab::message(header.to_string().as_bytes(), CLAIMS);
        let forged = format!("{message}.{}", URL_SAFE_NO_PAD.encode(vec![0; length]));
        assert!(lab::verify_with(&verifier, &forged).is_err());
    }
});
