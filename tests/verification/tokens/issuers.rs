//! Trusted issuers, and the separation between them.

use serde_json::{Value, json};
use tower_jit_provisioning::{IdentityKey, JwtVerifier, TokenFault, testing::TestIssuer};

use super::lab::{AUDIENCE, ISSUER, Lab, all, clock, refuses, verify};

#[test]
fn an_issuer_that_differs_in_one_byte_is_another_issuer() {
    let lab = Lab::with(|trusted| trusted.add_alias("id.example.com"));
    let mut rows = vec![(
        "no iss".to_owned(),
        lab.token().without_claim("iss").sign(),
        TokenFault::Issuer,
    )];
    for iss in [
        Value::Null,
        json!(true),
        json!(5),
        json!([ISSUER]),
        json!([ISSUER, "https://evil.example"]),
        json!(["https://evil.example", ISSUER]),
        json!({"iss": ISSUER}),
        json!(""),
        json!("https://id.example.com/"),
        json!("https://id.example.com//"),
        json!("https://id.example.com:443"),
        json!("https://id.example.com."),
        json!("https://id.example.com?"),
        json!("https://id.example.com#"),
        json!("https://id.example.com/realms/other"),
        json!("https://id.example.com.evil.example"),
        json!("https://id.example.com@evil.example"),
        json!("https://evil.example/https://id.example.com"),
        json!("https://id.example.co"),
        json!("https://id.example"),
        json!("https://ID.example.com"),
        json!("HTTPS://id.example.com"),
        json!("http://id.example.com"),
        json!("//id.example.com"),
        json!(" https://id.example.com"),
        json!("https://id.example.com "),
        json!("https://id.example.com\n"),
        json!("https://id.example.com\u{0}"),
        json!("https://id%2eexample.com"),
        json!("https://\u{456}d.example.com"),
        json!("https://id\u{3002}example.com"),
        // Aliases are explicit; this one is not listed.
        json!("id.example.com/"),
        json!("accounts.example.com"),
    ] {
        rows.push(lab.claim("iss", iss, TokenFault::Issuer));
    }
    lab.refuses(&rows);
}

#[test]
fn an_alias_is_the_same_issuer_under_another_name() {
    let alias = "accounts.example.com";
    let lab = Lab::with(|trusted| trusted.add_alias(alias));
    let canonical = lab.passes(&lab.token().sign());
    let aliased = lab.passes(&lab.token().claim("iss", alias).sign());
    assert_eq!(aliased.issuer(), ISSUER);
    assert_eq!(aliased.key(), canonical.key());
}

#[test]
fn a_tenant_is_part_of_the_identity_key() {
    let lab = Lab::with(|trusted| trusted.with_tenant("acme"));
    let identity = lab.passes(&lab.token().sign());
    assert_eq!(identity.tenant(), "acme");
    assert_eq!(identity.key(), IdentityKey::new("acme", ISSUER, "ana"));
    assert_ne!(identity.key(), IdentityKey::new("", ISSUER, "ana"));
}

#[test]
fn two_issuers_with_one_kid_do_not_verify_each_others_tokens() {
    let clock = clock();
    let ours = TestIssuer::new(ISSUER).with_clock(clock.clone());
    let theirs = TestIssuer::new("https://id.example.org").with_clock(clock.clone());
    assert_eq!(ours.key().kid(), theirs.key().kid());
    let verifier = JwtVerifier::new([ours.trusted(AUDIENCE), theirs.trusted(AUDIENCE)])
        .unwrap()
        .with_clock(clock);
    let token = |issuer: &TestIssuer| issuer.token("ana").audience(AUDIENCE);
    let rows = [
        (
            "our name, their key",
            token(&ours).signed_by(theirs.key()).sign(),
        ),
        (
            "their name, our key",
            token(&theirs).signed_by(ours.key()).sign(),
        ),
        (
            "our name, their key, no kid",
            token(&ours)
                .signed_by(theirs.key())
                .without_header("kid")
                .sign(),
        ),
    ];
    refuses(&verifier, &all(TokenFault::Signature, rows));
    let ana = verify(&verifier, &token(&ours).sign()).unwrap();
    let other_ana = verify(&verifier, &token(&theirs).sign()).unwrap();
    assert_eq!(ana.subject(), other_ana.subject());
    assert_ne!(ana.key(), other_ana.key());
}

#[test]
fn rules_of_one_issuer_do_not_apply_to_another() {
    let clock = clock();
    let strict = TestIssuer::new(ISSUER).with_clock(clock.clone());
    let lax = TestIssuer::new("https://id.example.org").with_clock(clock.clone());
    let verifier = JwtVerifier::new([
        strict.trusted("orders-api"),
        lax.trusted("billing-api").allow_id_tokens(),
    ])
    .unwrap()
    .with_clock(clock);
    let token = strict.token("ana");
    refuses(
        &verifier,
        &[
            (
                "the other's audience",
                token.clone().audience("billing-api").sign(),
                TokenFault::Audience,
            ),
            (
                "the other's token type",
                token.audience("orders-api").claim("at_hash", "x").sign(),
                TokenFault::TokenType,
            ),
        ],
    );
}
