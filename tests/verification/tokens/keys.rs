//! Selection of the issuer's key, and header members that refer to keys.

use std::sync::Arc;

use serde_json::{Value, json};
use tower_jit_provisioning::{
    Algorithm, KeySource, TokenFault, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
};

use super::lab::{AUDIENCE, Lab, refuses};

#[test]
fn a_key_embedded_in_the_token_is_ignored() {
    let lab = Lab::new();
    let attacker = Arc::new(SigningKey::generate("evil", Algorithm::Es256));
    let mut namesake = attacker.jwk();
    namesake["kid"] = json!("key-1");
    let url = "https://evil.example/jwks.json";
    let der = {
        let pem = attacker.public_pem().unwrap();
        pem.lines()
            .filter(|line| !line.starts_with('-'))
            .collect::<String>()
    };
    let mut rows = Vec::new();
    for (name, value) in [
        ("jwk", attacker.jwk()),
        ("jwk", namesake),
        ("jwk", lab.issuer.key().jwk()),
        ("jku", json!(url)),
        ("jku", json!("file:///etc/passwd")),
        ("jku", json!("https://id.example.com@evil.example/")),
        ("x5u", json!(url)),
        ("x5c", json!([der])),
        ("x5t", json!("AAAA")),
        ("x5t#S256", json!("AAAA")),
        ("keys", json!([attacker.jwk()])),
    ] {
        let token = lab.token().header(name, value.clone()).signed_by(&attacker);
        rows.push((
            format!("{name} {value} under our kid"),
            token.sign(),
            TokenFault::Signature,
        ));
        rows.push((
            format!("{name} {value} without kid"),
            token.clone().without_header("kid").sign(),
            TokenFault::Signature,
        ));
        rows.push((
            format!("{name} {value} under the attacker's kid"),
            token.header("kid", "evil").sign(),
            TokenFault::Key,
        ));
    }
    lab.refuses(&rows);
    lab.passes(&lab.token().header("jwk", attacker.jwk()).sign());
    lab.passes(&lab.token().header("jku", url).sign());
}

#[test]
fn a_kid_is_only_compared_with_key_ids() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for kid in [
        "",
        "key-2",
        "KEY-1",
        "key-1 ",
        " key-1",
        "key",
        "key-11",
        "key-1\u{0}",
        "key-1\u{0}.pem",
        "key-1\r\nAuthorization: Bearer x",
        "../../../../../../dev/null",
        "/dev/null",
        "./key-1",
        "keys/../key-1",
        "key-1' OR '1'='1",
        "x' UNION SELECT 'AAAA'; --",
        "key-1|whoami",
        "$(id)",
        "*",
        ".*",
        "%",
        "https://evil.example/key",
        "k\u{435}y-1",
        "key\u{2010}1",
        "\u{202e}1-yek",
    ] {
        rows.push(lab.header("kid", kid, TokenFault::Key));
    }
    for kid in [
        Value::Null,
        json!(true),
        json!(1),
        json!(1.5),
        json!(["key-1"]),
        json!({"kid": "key-1"}),
    ] {
        rows.push(lab.header("kid", kid, TokenFault::Header));
    }
    for (length, fault) in [
        (1024, TokenFault::Key),
        (1025, TokenFault::Header),
        (10_000, TokenFault::Header),
    ] {
        let token = lab.token().header("kid", "k".repeat(length)).sign();
        rows.push((format!("kid of {length} bytes"), token, fault));
    }
    lab.refuses(&rows);
}

#[test]
fn without_a_kid_a_token_with_two_candidate_keys_is_refused() {
    let first = SigningKey::generate("a", Algorithm::Es256);
    let second = SigningKey::generate("b", Algorithm::Es256);
    let keys = json!({"keys": [first.jwk(), second.jwk()]}).to_string();
    let lab = Lab::with_key(
        first,
        |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::jwks(keys)),
        |trusted| trusted,
    );
    lab.refuses(&[(
        "two keys that fit",
        lab.token().without_header("kid").sign(),
        TokenFault::Key,
    )]);
    let named_wrongly = lab.token().header("kid", "b").sign();
    lab.refuses(&[("the other key's kid", named_wrongly, TokenFault::Signature)]);
}

#[test]
fn two_keys_with_one_kid_verify_no_token() {
    let first = SigningKey::generate("key-1", Algorithm::Es256);
    let second = SigningKey::generate("key-1", Algorithm::Es256);
    let third = SigningKey::generate("other", Algorithm::Es256);
    let keys = json!({"keys": [first.jwk(), second.jwk(), third.jwk()]}).to_string();
    let trust = |issuer: &TestIssuer| {
        TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::jwks(keys.clone()))
    };
    let lab = Lab::with_key(first, trust, |trusted| trusted);
    let token = lab.token().sign();
    refuses(&lab.verifier, &[("ambiguous", token, TokenFault::Key)]);
    let third = Arc::new(third);
    lab.passes(&lab.token().header("kid", "other").signed_by(&third).sign());
}
