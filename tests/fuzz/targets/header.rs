//! A token's header, and arbitrary text as a token.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jit_provisioning::{Algorithm, fuzzing};

const CLAIMS: &[u8] =
    br#"{"iss":"https://id.example.com","aud":"orders-api","sub":"ana","exp":4102444800}"#;

fuzz_target!(|data: &[u8]| {
    if let Ok(text) = str::from_utf8(data) {
        assert!(lab::verify(text).is_err(), "an unsigned text verifies");
    }

    let parsed = fuzzing::header(data);
    let verified = lab::verify(&lab::signed(data, CLAIMS));
    let Ok(parsed) = parsed else {
        assert!(verified.is_err(), "a refused header verifies");
        return;
    };

    // The other parser reads the same value.
    let header: Value = serde_json::from_slice(data).expect("accepted input is JSON");
    assert_eq!(header["alg"].as_str(), Some(parsed.algorithm.as_str()));
    assert_eq!(header["kid"].as_str(), parsed.kid.as_deref());
    assert_eq!(header["typ"].as_str(), parsed.typ.as_deref());
    assert!(parsed.kid.is_none_or(|kid| kid.len() <= 1024));
    for name in ["crit", "b64", "enc", "zip"] {
        assert!(header.get(name).is_none(), "`{name}` is accepted");
    }

    let is_access_token = parsed.typ.is_none_or(|typ| {
        let typ = typ.to_ascii_lowercase();
        let bare = typ.strip_prefix("application/").unwrap_or(&typ);
        matches!(bare, "jwt" | "at+jwt")
    });
    let is_short = data.len() < 8 * 1024;
    assert_eq!(
        verified.is_ok(),
        parsed.algorithm == Algorithm::Hs256 && is_access_token && is_short
    );
    let unsigned = format!("{}.AAAA", lab::message(data, CLAIMS));
    assert!(lab::verify(&unsigned).is_err(), "a forged token verifies");
    let zeros = format!("{}.{}", lab::message(data, CLAIMS), "A".repeat(43));
    assert!(lab::verify(&zeros).is_err(), "a forged token verifies");
});
