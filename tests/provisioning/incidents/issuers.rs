//! Issuers: which ones are trusted, for which users, and until when.

use serde_json::json;
use tower_jit_provisioning::{
    JwtVerifier,
    testing::{Endpoint, TestIssuer},
};

use super::app::{ADDRESS, AUDIENCE, App, issuer, linking, token};

/// GHSA-9wqv-qhrh-87f4 (Supabase Auth): the token named the location of its keys.
#[tokio::test]
async fn a_token_cannot_choose_its_keys() {
    let evil = TestIssuer::serve();
    let issuer = issuer();
    let app = App::new([linking(&issuer)]);
    let eve = token(&evil, "ana").email(ADDRESS, true);
    for token in [
        eve.clone(),
        eve.clone().header("jku", evil.url(Endpoint::Jwks)),
        eve.clone()
            .claim("iss", issuer.name())
            .header("jku", evil.url(Endpoint::Jwks)),
        eve.clone()
            .claim("iss", json!([issuer.name(), evil.name()])),
        eve.clone()
            .claim("iss", format!("{}@{}", issuer.name(), evil.name())),
    ] {
        assert!(app.enter(&token).await.is_err());
    }
    assert!(app.users.is_empty());
    for endpoint in [Endpoint::Discovery, Endpoint::Jwks, Endpoint::Metadata] {
        assert_eq!(evil.requests(endpoint), 0, "no request was sent");
    }
}

/// CVE-2026-109372 (Zitadel): the signature was checked with one provider's keys, and the user
/// looked up under another.
#[tokio::test]
async fn a_key_of_one_issuer_is_invalid_for_another() {
    let (acme, evil) = (issuer(), TestIssuer::new("https://evil.example"));
    assert_eq!(
        acme.key().kid(),
        evil.key().kid(),
        "otherwise the key would only be missing"
    );
    let app = App::new([linking(&acme), linking(&evil)]);
    let ana = app.id(&token(&acme, "ana")).await;
    let forged = token(&evil, "ana").claim("iss", acme.name());
    assert!(app.enter(&forged).await.is_err());
    let forged = token(&acme, "ana").signed_by(evil.key());
    assert!(app.enter(&forged).await.is_err());
    assert_ne!(app.id(&token(&evil, "ana")).await, ana);
}

/// CVE-2025-64717 (Zitadel): users of a disabled provider could still sign in.
#[tokio::test]
async fn a_removed_issuer_is_not_trusted() {
    let (kept, removed) = (issuer(), TestIssuer::new("https://removed.example"));
    let app = App::new([linking(&kept), linking(&removed)]);
    let token = token(&removed, "ana").sign();
    app.enter_with(&token).await.unwrap();
    assert!(app.verifier.cached(&token).is_some());

    app.verifier.reload([linking(&kept)]).unwrap();
    assert!(
        app.verifier.cached(&token).is_none(),
        "not from memory either"
    );
    assert!(app.enter_with(&token).await.is_err());

    app.verifier
        .reload([linking(&kept), linking(&removed)])
        .unwrap();
    app.enter_with(&token).await.unwrap();
}

/// deskhq/the-desk#358: an issuer that replaced another one got its users.
#[tokio::test]
async fn an_issuer_with_another_name_gets_no_existing_users() {
    let old = issuer();
    let app = App::new([old.trusted(AUDIENCE)]);
    let ana = app.id(&token(&old, "ana")).await;
    let new = TestIssuer::new("https://new.example.com");
    app.verifier.reload([new.trusted(AUDIENCE)]).unwrap();
    assert_ne!(app.id(&token(&new, "ana")).await, ana);
}

/// CVE-2023-22482 (Argo CD): `aud` was not checked. CVE-2024-5798 (Vault): a single string was not
/// handled like a list.
#[tokio::test]
async fn a_token_for_another_api_is_refused() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    let any = issuer.token("ana");
    for audience in [
        json!("other-api"),
        json!(["other-api"]),
        json!("orders-api2"),
        json!("order"),
        json!("other-api orders-api"),
        json!([["orders-api"]]),
        json!([]),
        json!({"orders-api": true}),
        json!(null),
    ] {
        assert!(app.enter(&any.clone().audience(audience)).await.is_err());
    }
    assert!(app.enter(&any).await.is_err(), "without an audience");
    app.enter(&any.clone().audience("orders-api"))
        .await
        .unwrap();
    app.enter(&any.audience(["other-api", "orders-api"].as_slice()))
        .await
        .unwrap();
    assert!(JwtVerifier::new([issuer.trusted("")]).is_err());
}

/// Flask-AppBuilder's Azure path: signatures were verified only if configured.
#[tokio::test]
async fn every_token_needs_a_valid_signature() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    let good = token(&issuer, "ana");
    let signed = good.sign();
    let (message, _) = signed.rsplit_once('.').unwrap();
    let none = good.clone().header("alg", "none").sign();
    let (bare, _) = none.rsplit_once('.').unwrap();
    let tampered = token(&issuer, "root").sign();
    let (_, borrowed) = tampered.rsplit_once('.').unwrap();
    for token in [
        none.clone(),
        format!("{bare}."),
        bare.to_owned(),
        format!("{message}."),
        format!("{message}.{borrowed}"),
    ] {
        assert!(app.enter_with(&token).await.is_err(), "{token}");
    }
    assert!(app.users.is_empty());
    app.enter_with(&signed).await.unwrap();
}
