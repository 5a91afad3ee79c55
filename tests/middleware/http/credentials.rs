//! Requests with no credential, with several, and with an invalid one.

use std::{error::Error as StdError, sync::Arc, time::Duration};

use http::header::AUTHORIZATION;
use tower_jit_provisioning::{
    ErrorKind, JwtVerifier, MemoryProvisioner, ProvisionLayer, TokenFault, testing::SigningKey,
};

use super::app::{INVALID_REQUEST, INVALID_TOKEN, Refusal, layer, passes, request, router};
use crate::issuer::{AUDIENCE, SCOPE, issuer, scoped_token};

#[tokio::test]
async fn requests_without_exactly_one_credential_are_refused() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = scoped_token(&issuer).bearer();
    let bare = scoped_token(&issuer).sign();
    for (name, values) in [
        ("nothing", vec![]),
        ("empty", vec![String::new()]),
        ("Basic", vec!["Basic dTpw".to_owned()]),
        (
            "Digest",
            vec!["Digest username=\"ana\", realm=\"x\"".to_owned()],
        ),
        ("DPoP", vec![format!("DPoP {bare}")]),
        ("no scheme", vec![bare.clone()]),
        (
            "a scheme that starts alike",
            vec![format!("BearerToken {bare}")],
        ),
        ("a quoted scheme", vec![format!("\"Bearer\" {bare}")]),
    ] {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let kind = ErrorKind::MissingToken;
        refusal.is(name, kind, 401, Some("Bearer"), "missing_token");
        assert!(refusal.error.source().is_none(), "{name}");
    }
    for (name, values) in [
        ("two tokens", vec![bearer.clone(), bearer.clone()]),
        (
            "a good one first",
            vec![bearer.clone(), "Bearer x".to_owned()],
        ),
        (
            "a good one last",
            vec!["Bearer x".to_owned(), bearer.clone()],
        ),
        ("Basic first", vec!["Basic dTpw".to_owned(), bearer.clone()]),
        ("Basic last", vec![bearer.clone(), "Basic dTpw".to_owned()]),
        ("an empty one first", vec![String::new(), bearer.clone()]),
        ("three tokens", vec![bearer.clone(); 3]),
        ("joined by a comma", vec![format!("{bearer}, {bearer}")]),
        ("joined without a space", vec![format!("{bearer},{bearer}")]),
        ("joined by a space", vec![format!("{bearer} {bare}")]),
        ("no token", vec!["Bearer".to_owned()]),
        ("an empty token", vec!["Bearer ".to_owned()]),
        ("a tab", vec![format!("Bearer\t{bare}")]),
        ("a tab behind", vec![format!("{bearer}\tx")]),
    ] {
        let values: Vec<&str> = values.iter().map(String::as_str).collect();
        let refusal = Refusal::of(app.clone(), request("/me", &values)).await;
        let kind = ErrorKind::InvalidRequest;
        refusal.is(name, kind, 400, INVALID_REQUEST, "invalid_request");
    }
    let mut binary = request("/me", &[]);
    let value = http::HeaderValue::from_bytes(b"Bearer \xff\xfe").unwrap();
    binary.headers_mut().insert(AUTHORIZATION, value);
    let refusal = Refusal::of(app.clone(), binary).await;
    let kind = ErrorKind::InvalidRequest;
    refusal.is("no text", kind, 400, INVALID_REQUEST, "invalid_request");

    let path = format!("/me?access_token={bare}&token={bare}");
    let refusal = Refusal::of(app.clone(), request(&path, &[])).await;
    let kind = ErrorKind::MissingToken;
    refusal.is("in the query", kind, 401, Some("Bearer"), "missing_token");
    let mut elsewhere = request("/me", &[]);
    for (name, value) in [
        ("cookie", format!("access_token={bare}")),
        ("proxy-authorization", bearer.clone()),
        ("x-forwarded-authorization", bearer.clone()),
        ("x-access-token", bare.clone()),
        ("x-forwarded-user", "ana".to_owned()),
        ("x-remote-user", "ana".to_owned()),
    ] {
        elsewhere.headers_mut().insert(name, value.parse().unwrap());
    }
    let refusal = Refusal::of(app.clone(), elsewhere).await;
    refusal.is("elsewhere", kind, 401, Some("Bearer"), "missing_token");

    for scheme in ["Bearer", "bearer", "BEARER", "bEaReR"] {
        let authorization = format!("{scheme} {bare}");
        passes(app.clone(), request("/me", &[&authorization])).await;
    }
}

#[tokio::test]
async fn an_invalid_token_is_refused_without_revealing_the_reason() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let attacker = Arc::new(SigningKey::generate("key-1", issuer.key().algorithm()));
    let good = scoped_token(&issuer);
    let mut bodies = Vec::new();
    for (fault, authorization) in [
        (TokenFault::Malformed, "Bearer not-a-token".to_owned()),
        (TokenFault::Header, "Bearer e30.e30.AAAA".to_owned()),
        (
            TokenFault::Algorithm,
            good.clone().header("alg", "none").bearer(),
        ),
        (
            TokenFault::Signature,
            good.clone().signed_by(&attacker).bearer(),
        ),
        (
            TokenFault::Key,
            good.clone().header("kid", "other").bearer(),
        ),
        (
            TokenFault::Issuer,
            good.clone().claim("iss", "https://evil.example").bearer(),
        ),
        (
            TokenFault::Audience,
            good.clone().audience("billing-api").bearer(),
        ),
        (
            TokenFault::Expired,
            good.clone().expired_for(Duration::from_secs(3600)).bearer(),
        ),
        (TokenFault::Subject, good.clone().claim("sub", "").bearer()),
        (
            TokenFault::TooLarge,
            format!("Bearer {}", "a".repeat(17_000)),
        ),
    ] {
        let name = fault.as_str();
        let refusal = Refusal::of(app.clone(), request("/me", &[&authorization])).await;
        let kind = ErrorKind::InvalidToken;
        refusal.is(name, kind, 401, INVALID_TOKEN, "invalid_token");
        assert_eq!(refusal.error.reason(), name);
        let source = refusal.error.source().unwrap();
        assert_eq!(source.downcast_ref(), Some(&fault));
        bodies.push(refusal.body);
    }
    bodies.dedup();
    assert_eq!(bodies.len(), 1, "{bodies:?}");
}

#[tokio::test]
async fn a_missing_scope_is_named_in_the_challenge() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let bearer = scoped_token(&issuer).claim("scope", "openid").bearer();
    let refusal = Refusal::of(app, request("/me", &[&bearer])).await;
    refusal.is(
        "scope",
        ErrorKind::InsufficientScope,
        403,
        Some("Bearer error=\"insufficient_scope\", scope=\"orders:read\""),
        "insufficient_scope",
    );
    assert_eq!(refusal.error.scope(), Some(SCOPE));
}

#[tokio::test]
async fn a_scope_with_quotes_is_left_out_of_the_challenge() {
    let issuer = issuer();
    let trusted = issuer.trusted(AUDIENCE).require_scope("a\", error=\"x");
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let app = router().layer(ProvisionLayer::new(verifier, MemoryProvisioner::new()));
    let refusal = Refusal::of(app, request("/me", &[&scoped_token(&issuer).bearer()])).await;
    refusal.is(
        "scope",
        ErrorKind::InsufficientScope,
        403,
        Some("Bearer error=\"insufficient_scope\""),
        "insufficient_scope",
    );
}
