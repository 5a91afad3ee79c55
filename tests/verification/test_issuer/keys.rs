//! Which keys are published.

use serde_json::json;
use tower_jit_provisioning::{
    Algorithm, JwtVerifier,
    testing::{Endpoint, SigningKey, TestIssuer},
};

use super::client::{Answer, kids, panics};

#[tokio::test]
async fn rotation_publishes_the_new_key_beside_the_old() {
    let issuer = TestIssuer::serve();
    let before = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let old = issuer.token("ana").audience("orders-api").sign();
    let key = issuer.rotate();
    assert_eq!(key.kid(), "key-2");
    assert_eq!(issuer.key().kid(), "key-2");
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-1", "key-2"]);
    assert_ne!(published["keys"][0]["x"], published["keys"][1]["x"]);

    let after = JwtVerifier::new([issuer.trusted("orders-api")]).unwrap();
    let new = issuer.token("ana").audience("orders-api").sign();
    assert!(before.verify(&new).await.is_err());
    assert!(after.verify(&new).await.is_ok());
    assert!(after.verify(&old).await.is_ok());
}

#[tokio::test]
async fn a_key_is_first_published_then_used_then_withdrawn() {
    let issuer = TestIssuer::serve();
    let next = issuer.publish_next();
    assert_eq!((issuer.key().kid(), next.kid()), ("key-1", "key-2"));
    issuer.sign_with("key-2");
    assert_eq!(issuer.key().kid(), "key-2");
    assert_eq!(issuer.withdraw("key-1").kid(), "key-1");
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-2"]);

    // A withdrawn key can still sign: the token of an issuer with an outdated key.
    issuer.withdraw("key-2");
    assert_eq!(
        Answer::of(&issuer, Endpoint::Jwks).await.json(),
        json!({"keys": []})
    );
    assert_eq!(issuer.key().kid(), "key-2");
    assert!(panics(|| issuer.sign_with("key-2")));
    assert!(panics(|| drop(issuer.withdraw("key-2"))));
    assert_eq!(issuer.rotate().kid(), "key-3");
}

#[tokio::test]
async fn a_key_of_another_type_or_of_the_same_kid_can_be_published() {
    let issuer = TestIssuer::serve();
    let old = issuer.key();
    issuer.publish(SigningKey::generate("key-1", Algorithm::EdDsa));
    issuer.publish(SigningKey::generate("secret", Algorithm::Hs256));
    assert_eq!(issuer.keys().len(), 2);
    let published = Answer::of(&issuer, Endpoint::Jwks).await.json();
    assert_eq!(kids(&published), ["key-1"], "a secret stays one");
    assert_eq!(published["keys"][0]["kty"], "OKP");
    assert_eq!(
        issuer.key().jwk(),
        old.jwk(),
        "publishing does not switch the signing key"
    );
    issuer.sign_with("key-1");
    assert_eq!(issuer.key().algorithm(), Algorithm::EdDsa);
    let algorithms = &issuer.discovery()["id_token_signing_alg_values_supported"];
    assert_eq!(*algorithms, json!(["EdDSA", "HS256"]));
}

#[tokio::test]
async fn clones_share_keys() {
    let issuer = TestIssuer::new("https://id.example.com");
    let clone = issuer.clone();
    clone.rotate();
    assert_eq!(issuer.key().kid(), "key-2");
    assert_eq!(issuer.jwks(), clone.jwks());
    assert_eq!(
        issuer.url(Endpoint::Jwks),
        "https://id.example.com/jwks.json"
    );
}
