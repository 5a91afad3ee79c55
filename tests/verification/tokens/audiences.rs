//! Audiences, scopes and other claims that a token must have.

use std::{error::Error as StdError, sync::Arc};

use serde_json::{Value, json};
use tower_jit_provisioning::{Algorithm, Audience, ErrorKind, TokenFault, testing::SigningKey};

use super::lab::{AUDIENCE, Lab, all, refuses, verify};

#[test]
fn a_token_for_another_audience_is_refused() {
    let lab = Lab::new();
    let mut rows = vec![(
        "no aud".to_owned(),
        lab.issuer.token("ana").sign(),
        TokenFault::Audience,
    )];
    for aud in [
        Value::Null,
        json!(true),
        json!(1),
        json!(""),
        json!("*"),
        json!("orders"),
        json!("orders-api2"),
        json!("Orders-API"),
        json!(" orders-api"),
        json!("orders-api "),
        json!("orders-api billing-api"),
        json!("billing-api orders-api"),
        json!("orders-api,billing-api"),
        json!("billing-api"),
        json!("[\"orders-api\"]"),
        json!([]),
        json!([""]),
        json!(["billing-api"]),
        json!([["orders-api"]]),
        json!([{"aud": "orders-api"}]),
        json!({"aud": "orders-api"}),
        json!({"0": "orders-api"}),
        json!({"orders-api": true}),
        json!(["orders-api", 1]),
        json!(["orders-api", null]),
        json!([true, "orders-api"]),
        json!(["orders-api", ["billing-api"]]),
        json!(["orders-api", {"a": 1}]),
    ] {
        rows.push(lab.claim("aud", aud, TokenFault::Audience));
    }
    // Claims that name an audience elsewhere are ignored here.
    for name in ["azp", "client_id", "resource", "audience", "AUD"] {
        let token = lab.issuer.token("ana").claim(name, AUDIENCE).sign();
        rows.push((format!("{name} alone"), token, TokenFault::Audience));
    }
    lab.refuses(&rows);
}

#[test]
fn an_audience_by_client_does_not_read_aud() {
    for (name, other, audience) in [
        (
            "azp",
            "client_id",
            Audience::AuthorizedParty(vec!["web".to_owned()]),
        ),
        (
            "client_id",
            "azp",
            Audience::ClientId(vec!["web".to_owned()]),
        ),
    ] {
        let lab = Lab::with_key(
            SigningKey::generate("key-1", Algorithm::Es256),
            |issuer| issuer.trusted(audience),
            |trusted| trusted,
        );
        let token = || lab.issuer.token("ana");
        lab.passes(&token().claim(name, "web").sign());
        let rows = [
            ("missing", token().sign()),
            ("aud", token().audience("web").sign()),
            ("other", token().claim(other, "web").sign()),
            ("array", token().claim(name, json!(["web"])).sign()),
            ("null", token().claim(name, Value::Null).sign()),
            ("prefix", token().claim(name, "webb").sign()),
            ("case", token().claim(name, "Web").sign()),
        ];
        refuses(&lab.verifier, &all(TokenFault::Audience, rows));
    }
}

#[test]
fn a_missing_scope_is_named_in_the_error() {
    let lab = Lab::with(|trusted| {
        trusted
            .require_scope("orders:read")
            .require_scope("orders:write")
    });
    for (name, value) in [
        ("scope", json!("orders:read orders:write")),
        ("scope", json!("openid orders:write email orders:read")),
        ("scp", json!(["orders:read", "orders:write"])),
        ("scp", json!("orders:read orders:write")),
    ] {
        let identity = lab.passes(&lab.token().claim(name, value).sign());
        assert!(identity.scopes().any(|scope| scope == "orders:write"));
    }
    for (name, value) in [
        ("other", json!("orders:read orders:write")),
        ("scope", json!("orders:read")),
        ("scope", json!("orders:read orders:writer")),
        ("scope", json!("orders:read Orders:Write")),
        ("scope", json!("orders:read,orders:write")),
        ("scope", json!("")),
        ("scope", Value::Null),
        ("scope", json!({"orders:read": 0})),
        ("scp", json!([["orders:read", "orders:write"]])),
        ("scp", json!(5)),
    ] {
        let token = lab.token().claim(name, value.clone()).sign();
        let error = verify(&lab.verifier, &token).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InsufficientScope, "{name} {value}");
        assert_eq!(error.reason(), "insufficient_scope");
        assert_eq!(error.code(), "insufficient_scope");
        assert_eq!(error.scope(), Some("orders:read orders:write"));
        assert!(error.source().is_none());
        assert!(lab.verifier.cached(&token).is_none());
    }
}

/// A caller without a valid token learns nothing about scopes.
#[test]
fn an_invalid_token_without_the_scope_is_reported_as_invalid() {
    let lab = Lab::with(|trusted| trusted.require_scope("orders:read"));
    let attacker = Arc::new(SigningKey::generate("key-1", Algorithm::Es256));
    refuses(
        &lab.verifier,
        &[
            (
                "forged",
                lab.token().signed_by(&attacker).sign(),
                TokenFault::Signature,
            ),
            (
                "expired",
                lab.token().claim("exp", 1).sign(),
                TokenFault::Expired,
            ),
            (
                "audience",
                lab.issuer.token("ana").sign(),
                TokenFault::Audience,
            ),
        ],
    );
}

#[test]
fn a_required_claim_must_be_present_with_its_value() {
    let lab = Lab::with(|trusted| {
        trusted
            .require_claim("/org/id", "acme")
            .require_claim("/https:~1~1example.com~1groups", "staff")
    });
    let token = |org: Value, groups: Value| {
        lab.token()
            .claim("org", org)
            .claim("https://example.com/groups", groups)
            .sign()
    };
    lab.passes(&token(json!({"id": "acme"}), json!("staff")));
    lab.passes(&token(json!({"id": ["acme"]}), json!(["admin", "staff"])));
    let staff = || json!(["staff"]);
    let acme = || json!({"id": "acme"});
    let rows = [
        ("missing", lab.token().sign()),
        ("one missing", lab.token().claim("org", acme()).sign()),
        ("other value", token(json!({"id": "evil"}), staff())),
        ("case", token(json!({"id": "Acme"}), staff())),
        ("prefix", token(json!({"id": "acme2"}), staff())),
        ("null", token(json!({"id": null}), staff())),
        ("object", token(json!({"id": {"acme": true}}), staff())),
        ("not nested", token(json!("acme"), staff())),
        ("true", token(json!({"id": true}), staff())),
        ("nested array", token(acme(), json!([["staff"]]))),
        ("empty array", token(acme(), json!([]))),
        ("space joined", token(acme(), json!("admin staff"))),
    ]
    .map(|(name, token)| (name, token, TokenFault::RequiredClaim));
    refuses(&lab.verifier, &rows);
}
