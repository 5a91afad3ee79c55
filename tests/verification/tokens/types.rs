//! Tokens of other kinds: ID tokens, logout tokens, tokens bound to a key.

use serde_json::{Value, json};
use tower_jit_provisioning::{IdentityKey, TokenFault, TrustedIssuer};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, all, refuses, verify};

#[test]
fn a_token_of_another_type_is_not_an_access_token() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for typ in [
        "",
        " ",
        "JWE",
        "JOSE",
        "JOSE+JSON",
        "JWT ",
        "at+jwt ",
        "at+JWTx",
        "at",
        "jwt+at",
        "logout+jwt",
        "Logout+JWT",
        "application/logout+jwt",
        "dpop+jwt",
        "application/dpop+jwt",
        "secevent+jwt",
        "oauth-authz-req+jwt",
        "token-introspection+jwt",
        "client-authentication+jwt",
        "jwk-set+jwt",
        "vc+sd-jwt",
        "kb+jwt",
        "refresh+jwt",
        "id+jwt",
        "text/JWT",
        "application/",
        "application/application/at+jwt",
        "\u{130}at+jwt",
    ] {
        rows.push(lab.header("typ", typ, TokenFault::TokenType));
    }
    for typ in [Value::Null, json!(1), json!(["JWT"]), json!({"typ": "JWT"})] {
        rows.push(lab.header("typ", typ, TokenFault::Header));
    }
    let logout = json!({"http://schemas.openid.net/event/backchannel-logout": {}});
    for (name, value) in [
        ("typ", json!("ID")),
        ("typ", json!("id")),
        ("typ", json!("Refresh")),
        ("typ", json!("refresh")),
        ("typ", json!("Offline")),
        ("typ", json!("Logout")),
        ("token_use", json!("id")),
        ("token_use", json!("ID")),
        ("token_use", json!("refresh")),
        ("token_use", json!("logout")),
        ("at_hash", json!("MTIzNDU2Nzg5MDEyMzQ1Ng")),
        ("at_hash", Value::Null),
        ("c_hash", json!("MTIzNDU2Nzg5MDEyMzQ1Ng")),
        ("events", logout),
    ] {
        rows.push(lab.claim(name, value, TokenFault::TokenType));
    }
    lab.refuses(&rows);
}

#[test]
fn id_tokens_pass_only_if_explicitly_allowed() {
    let lab = Lab::with(TrustedIssuer::allow_id_tokens);
    for (name, value) in [("at_hash", "x"), ("typ", "ID"), ("token_use", "id")] {
        lab.passes(&lab.token().claim(name, value).sign());
    }
    let rows = [
        ("refresh", lab.token().claim("typ", "Refresh").sign()),
        (
            "token_use",
            lab.token().claim("token_use", "refresh").sign(),
        ),
        ("logout", lab.token().header("typ", "logout+jwt").sign()),
    ];
    lab.refuses(&all(TokenFault::TokenType, rows));
}

#[test]
fn token_types_are_configured_per_issuer() {
    let lab = Lab::with(|trusted| trusted.with_token_types(["application/at+jwt"]));
    for typ in [
        "at+jwt",
        "AT+JWT",
        "application/at+jwt",
        "Application/AT+jwt",
    ] {
        lab.passes(&lab.token().header("typ", typ).sign());
    }
    let jwt = lab.token().header("typ", "JWT").sign();
    let untyped = lab.token().without_header("typ").sign();
    let rows = [
        ("JWT", jwt, TokenFault::TokenType),
        ("none", untyped, TokenFault::TokenType),
    ];
    refuses(&lab.verifier, &rows);
}

#[test]
fn a_sender_constrained_token_is_refused() {
    let lab = Lab::new();
    let mut rows = Vec::new();
    for cnf in [
        json!({"jkt": "0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I"}),
        json!({"x5t#S256": "bwcK0esc3ACC3DB2Y5_lESsXE8o9ltc05O89jdN-dg2"}),
        json!({"kid": "key-1"}),
        json!({}),
        json!([]),
        json!("jkt"),
        Value::Null,
    ] {
        rows.push(lab.claim("cnf", cnf, TokenFault::ProofOfPossession));
    }
    lab.refuses(&rows);
}

#[test]
fn valid_tokens_of_every_type_pass() {
    let lab = Lab::new();
    let token = || lab.token();
    for (name, token) in [
        ("plain", token()),
        ("no typ", token().without_header("typ")),
        ("typ jwt", token().header("typ", "jwt")),
        ("typ at+jwt", token().header("typ", "at+jwt")),
        (
            "typ application/AT+JWT",
            token().header("typ", "application/AT+JWT"),
        ),
        (
            "typ APPLICATION/jwt",
            token().header("typ", "APPLICATION/jwt"),
        ),
        ("no kid, one key", token().without_header("kid")),
        (
            "unknown header member",
            token().header("x-trace", json!({"a": [1]})),
        ),
        ("cty", token().header("cty", "JWT")),
        ("aud array", token().audience(json!([AUDIENCE]))),
        (
            "aud array, last",
            token().audience(json!(["billing-api", AUDIENCE])),
        ),
        (
            "aud array, twice",
            token().audience(json!([AUDIENCE, AUDIENCE])),
        ),
        ("fractional exp", token().claim("exp", NOW as f64 + 0.5)),
        ("exp with exponent", token().claim("exp", 1.9e9)),
        (
            "exp in year 9999",
            token().claim("exp", 253_402_300_799_u64),
        ),
        ("exp within the leeway", token().claim("exp", NOW - 59)),
        (
            "exp within the leeway by a fraction",
            token().claim("exp", NOW as f64 - 59.5),
        ),
        ("nbf now", token().claim("nbf", NOW)),
        ("nbf at the leeway", token().claim("nbf", NOW + 60)),
        ("nbf long ago", token().claim("nbf", 0)),
        ("no iat", token().without_claim("iat")),
        ("iat 0", token().claim("iat", 0)),
        ("iat at the leeway", token().claim("iat", NOW + 60)),
        ("fractional iat", token().claim("iat", NOW as f64 - 0.25)),
        (
            "typ Bearer, as Keycloak writes",
            token().claim("typ", "Bearer"),
        ),
        (
            "token_use access, as Cognito writes",
            token().claim("token_use", "access"),
        ),
        ("a nonce", token().claim("nonce", "n")),
        ("a jti", token().claim("jti", "1")),
        (
            "events of another kind",
            token().claim("events", json!({"urn:x": {}})),
        ),
        (
            "events that are text",
            token().claim("events", "backchannel-logout"),
        ),
        (
            "a claim in another script",
            token().claim("\u{540d}", "\u{540d}"),
        ),
    ] {
        let token = token.sign();
        let identity = match verify(&lab.verifier, &token) {
            Ok(identity) => identity,
            Err(error) => panic!("{name}: {}", error.reason()),
        };
        assert_eq!(
            identity.key(),
            IdentityKey::new("", ISSUER, "ana"),
            "{name}"
        );
        assert!(lab.verifier.cached(&token).is_some(), "{name}");
    }
}
