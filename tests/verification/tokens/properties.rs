//! Arbitrary changes to a token that passes, and to its issuer's keys.

use std::sync::{Arc, LazyLock};

use proptest::{prelude::*, test_runner::Config};
use serde_json::{Value, json};
use tower_jit_provisioning::{Algorithm, testing::SigningKey};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, verifier_with, verify};

static STEADY: LazyLock<(Lab, String)> = LazyLock::new(|| {
    let lab = Lab::new();
    let token = lab.token().email("ana@example.com", true).sign();
    lab.passes(&token);
    (lab, token)
});

#[test]
fn flipping_any_bit_of_a_token_is_refused() {
    let (lab, token) = &*STEADY;
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut bytes = token.clone().into_bytes();
            bytes[index] ^= 1 << bit;
            // Invalid UTF-8 cannot be passed to the verifier.
            let Ok(flipped) = String::from_utf8(bytes) else {
                continue;
            };
            let refused = verify(&lab.verifier, &flipped);
            assert!(refused.is_err(), "bit {bit} of byte {index}: {flipped}");
        }
    }
}

fn properties() -> Config {
    Config {
        cases: 256,
        failure_persistence: None,
        ..Config::default()
    }
}

/// Returns each claim as JSON text, so that a permutation changes nothing else.
fn written_claims() -> Vec<String> {
    let exp = NOW + 300;
    [
        format!(r#""iss":"{ISSUER}""#),
        r#""sub":"ana""#.to_owned(),
        format!(r#""aud":["{AUDIENCE}"]"#),
        format!(r#""exp":{exp}"#),
        format!(r#""iat":{NOW}"#),
        r#""email":"ana@example.com""#.to_owned(),
        r#""email_verified":true"#.to_owned(),
        r#""name":"Ana""#.to_owned(),
        r#""preferred_username":"ana""#.to_owned(),
        r#""scope":"a b""#.to_owned(),
        r#""azp":"web""#.to_owned(),
        r#""client_id":"other""#.to_owned(),
        r#""unknown":{"sub":"eve","exp":1}"#.to_owned(),
    ]
    .into()
}

/// Returns the fixed issuer's key between two others, each member as JSON text.
fn written_set() -> Vec<Vec<String>> {
    let other = |kid: &str, algorithm| SigningKey::generate(kid, algorithm).jwk();
    let keys = [
        other("a", Algorithm::EdDsa),
        STEADY.0.issuer.key().jwk(),
        other("z", Algorithm::Es256),
    ];
    let members = |jwk: Value| {
        let members = jwk.as_object().unwrap().clone().into_iter();
        members
            .map(|(name, value)| format!("\"{name}\":{value}"))
            .collect()
    };
    keys.map(members).into()
}

pub(crate) fn joined(keys: &[Vec<String>]) -> String {
    let keys: Vec<_> = keys
        .iter()
        .map(|members| format!("{{{}}}", members.join(",")))
        .collect();
    format!("{{\"keys\":[{}]}}", keys.join(","))
}

/// A token of the fixed issuer, signed by an untrusted key.
static FORGED: LazyLock<String> = LazyLock::new(|| {
    let stranger = Arc::new(SigningKey::generate("key-1", Algorithm::Es256));
    STEADY.0.token().signed_by(&stranger).sign()
});

proptest! {
    #![proptest_config(properties())]

    #[test]
    fn replacing_any_byte_of_a_token_is_refused(
        index in any::<prop::sample::Index>(),
        mask in 1_u8..=255,
    ) {
        let (lab, token) = &*STEADY;
        let mut bytes = token.clone().into_bytes();
        let index = index.index(bytes.len());
        bytes[index] ^= mask;
        if let Ok(replaced) = String::from_utf8(bytes) {
            prop_assert!(verify(&lab.verifier, &replaced).is_err());
            prop_assert!(lab.verifier.cached(&replaced).is_none());
        }
    }

    #[test]
    fn removing_any_part_of_a_token_is_refused(
        from in any::<prop::sample::Index>(),
        length in 1_usize..200,
    ) {
        let (lab, token) = &*STEADY;
        let from = from.index(token.len());
        let until = (from + length).min(token.len());
        let cut = [&token[..from], &token[until..]].concat();
        prop_assert!(verify(&lab.verifier, &cut).is_err());
    }

    #[test]
    fn arbitrary_text_is_refused_without_a_panic(text in any::<String>()) {
        prop_assert!(verify(&STEADY.0.verifier, &text).is_err());
    }

    #[test]
    fn arbitrary_signed_bytes_are_refused_without_a_panic(
        header in prop::collection::vec(any::<u8>(), 1..64),
        claims in prop::collection::vec(any::<u8>(), 1..64),
    ) {
        let lab = &STEADY.0;
        let (good_header, _) = lab.parts();
        let both = lab.token().sign_raw(&header, &claims);
        let second = lab.token().sign_raw(good_header.as_bytes(), &claims);
        prop_assert!(verify(&lab.verifier, &both).is_err());
        prop_assert!(verify(&lab.verifier, &second).is_err());
    }

    #[test]
    fn the_order_of_claims_is_irrelevant(claims in Just(written_claims()).prop_shuffle()) {
        let lab = &STEADY.0;
        let fields = |claims: &[String]| {
            let identity = lab.passes(&lab.with_claims(format!("{{{}}}", claims.join(","))));
            (
                identity.key(),
                identity.subject().to_owned(),
                identity.kind(),
                identity.vouched_email().cloned(),
                identity.full_name().map(str::to_owned),
                identity.username().map(str::to_owned),
                identity.client_id().map(str::to_owned),
                identity.scopes().map(str::to_owned).collect::<Vec<_>>(),
                (identity.issued_at(), identity.expires_at()),
            )
        };
        prop_assert_eq!(fields(&claims), fields(&written_claims()));
    }

    #[test]
    fn the_order_of_header_members_is_irrelevant(
        members in Just(vec![
            r#""typ":"JWT""#,
            r#""alg":"ES256""#,
            r#""kid":"key-1""#,
            r#""jku":"https://evil.example/jwks""#,
            r#""unknown":{"alg":"none","crit":[]}"#,
        ]).prop_shuffle(),
    ) {
        let lab = &STEADY.0;
        lab.passes(&lab.with_header(&format!("{{{}}}", members.join(","))));
    }

    #[test]
    fn the_order_of_keys_and_their_members_is_irrelevant(
        keys in Just(written_set()).prop_flat_map(|keys| {
            let shuffled = |members| Just(members).prop_shuffle();
            keys.into_iter().map(shuffled).collect::<Vec<_>>().prop_shuffle()
        }),
    ) {
        let verifier = verifier_with(joined(&keys)).unwrap();
        prop_assert!(verify(&verifier, &STEADY.1).is_ok());
        prop_assert!(verify(&verifier, &FORGED).is_err());
    }

    #[test]
    fn replacing_any_byte_of_a_key_makes_it_a_different_key(
        coordinate in prop::sample::select(vec!["x", "y"]),
        index in any::<prop::sample::Index>(),
        replacement in b' '..=b'~',
    ) {
        let mut jwk = STEADY.0.issuer.key().jwk();
        let mut text = jwk[coordinate].as_str().unwrap().to_owned().into_bytes();
        let index = index.index(text.len());
        prop_assume!(text[index] != replacement);
        text[index] = replacement;
        jwk[coordinate] = String::from_utf8(text).unwrap().into();
        if let Some(verifier) = verifier_with(json!({"keys": [jwk]}).to_string()) {
            prop_assert!(verify(&verifier, &STEADY.1).is_err());
        }
    }

    #[test]
    fn replacing_any_byte_of_a_key_set_accepts_no_forged_token(
        index in any::<prop::sample::Index>(),
        mask in 1_u8..=255,
    ) {
        let mut set = STEADY.0.issuer.jwks().to_string().into_bytes();
        let index = index.index(set.len());
        set[index] ^= mask;
        if let Some(verifier) = String::from_utf8(set).ok().and_then(verifier_with) {
            prop_assert!(verify(&verifier, &FORGED).is_err());
        }
    }

    #[test]
    fn arbitrary_text_is_not_a_key_set(text in any::<String>()) {
        prop_assert!(verifier_with(text).is_none());
    }
}
