//! A token's claims, signed by the issuer itself.
#![no_main]

use libfuzzer_sys::fuzz_target;
use serde_json::Value;
use tower_jit_provisioning::fuzzing;

const HEADER: &[u8] = br#"{"alg":"HS256","typ":"JWT"}"#;

/// Normalizes numbers as the crate reads them, and counts the members.
fn normal(value: Value, members: &mut usize) -> Value {
    match value {
        Value::Number(number) => {
            let number = number.as_f64().and_then(serde_json::Number::from_f64);
            number.into()
        }
        Value::Array(items) => items
            .into_iter()
            .map(|item| normal(item, members))
            .collect(),
        Value::Object(object) => {
            // The representation of a number by serde_json with its feature `arbitrary_precision`.
            let digits = object.get("$serde_json::private::Number");
            if object.len() == 1
                && let Some(Value::String(digits)) = digits
            {
                let number = digits.parse().ok().and_then(serde_json::Number::from_f64);
                return number.into();
            }
            *members += object.len();
            let members = object
                .into_iter()
                .map(|(name, value)| (name, normal(value, members)));
            Value::Object(members.collect())
        }
        other => other,
    }
}

fuzz_target!(|data: &[u8]| {
    let parsed = fuzzing::claims(data);
    let verified = lab::verify(&lab::signed(HEADER, data));
    let Some((claims, members)) = parsed else {
        assert!(verified.is_err(), "refused claims verify");
        return;
    };

    // The other parser reads the same value, and it would have dropped a duplicate name.
    let read: Value = serde_json::from_slice(data).expect("accepted input is JSON");
    let mut unique = 0;
    assert_eq!(normal(read, &mut unique), claims);
    assert_eq!(members, unique, "a member is named twice");

    let mut forged = lab::signed(HEADER, data).into_bytes();
    let first = forged.len() - 43;
    forged[first] = if forged[first] == b'A' { b'B' } else { b'A' };
    let forged = String::from_utf8(forged).unwrap();
    assert!(lab::verify(&forged).is_err(), "a forged token verifies");

    let Ok(identity) = verified else {
        return;
    };
    let text = |name: &str| claims[name].as_str();
    assert_eq!(text("iss"), Some(lab::ISSUER));
    assert_eq!(text("sub"), Some(identity.subject()));
    assert!((1..=255).contains(&identity.subject().len()));
    assert!(!identity.subject().chars().any(char::is_control));
    let audiences: Vec<_> = match &claims["aud"] {
        Value::Array(items) => items.iter().map(Value::as_str).collect(),
        one => vec![one.as_str()],
    };
    assert!(audiences.contains(&Some(lab::AUDIENCE)));
    assert!(audiences.iter().all(Option::is_some));
    assert!(claims["exp"].as_f64().unwrap() > 1_700_000_000.0);
    for name in ["nbf", "iat"] {
        let date = claims.get(name).map(Value::as_f64);
        assert!(date.is_none_or(|date| date.is_some_and(|date| date < 4_102_444_800.0)));
    }
    for name in ["cnf", "at_hash", "c_hash"] {
        assert!(claims.get(name).is_none(), "`{name}` is accepted");
    }
    let names = [identity.full_name(), identity.username()];
    for name in names.into_iter().flatten() {
        assert!(name.len() <= 1024 && !name.chars().any(char::is_control));
    }
    if let Some(email) = identity.vouched_email() {
        assert_eq!(claims["email_verified"], Value::Bool(true));
        assert!(email.as_str().contains('@'));
    }
});
