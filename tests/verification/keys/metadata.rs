//! Where an issuer's keys are found.

use serde_json::json;
use tokio::time::sleep;
use tower_jit_provisioning::{JwtVerifier, KeySource, TrustedIssuer, verifier::KeyRefresh};

use super::network::{
    Answer, ISSUER, JWKS, MINUTE, Network, OIDC, RFC_8414, SECOND, key, metadata, token, verdict,
    verifier,
};

#[tokio::test(start_paused = true)]
async fn metadata_must_name_the_configured_issuer_and_a_safe_key_url() {
    for document in [
        metadata("https://id.example.com/realms/other", JWKS),
        metadata("https://id.example.com/realms/acme/", JWKS),
        metadata(ISSUER, "file:///etc/passwd"),
        metadata(ISSUER, "http://id.example.com/jwks"),
        json!({"issuer": ISSUER}).to_string(),
        "<html>".to_owned(),
    ] {
        let (network, key) = (Network::new(), key("a"));
        network.publish(&[&key]);
        network.answer(OIDC, Answer::Body(document));
        let (verifier, _) = network.verifier();
        assert_eq!(
            verdict(&verifier, &token(&key, "ana").sign()).await,
            Err("keys")
        );
        assert_eq!(network.fetches(JWKS), 0);
    }
}

#[tokio::test(start_paused = true)]
async fn rfc_8414_metadata_is_used_without_an_openid_configuration() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    network.answer(OIDC, Answer::Status(404));
    network.answer(RFC_8414, Answer::Body(metadata(ISSUER, JWKS)));
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    assert_eq!((network.fetches(OIDC), network.fetches(RFC_8414)), (1, 1));
    let broken = Network::new();
    broken.answer(OIDC, Answer::Status(500));
    broken.answer(RFC_8414, Answer::Body(metadata(ISSUER, JWKS)));
    let (verifier, _) = broken.verifier();
    assert_eq!(
        verdict(&verifier, &token(&key, "ana").sign()).await,
        Err("keys")
    );
    assert_eq!(
        broken.fetches(RFC_8414),
        0,
        "an outage does not count as missing metadata"
    );
}

#[tokio::test(start_paused = true)]
async fn a_key_set_can_be_configured_by_url() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let refresh = KeyRefresh::new().with_interval(MINUTE);
    let trusted = TrustedIssuer::new(
        "accounts.example.com",
        "orders",
        KeySource::jwks_url(JWKS, network.clone()),
    )
    .with_key_refresh(refresh);
    let (verifier, _) = verifier(trusted);
    let token = token(&key, "ana")
        .claim("iss", "accounts.example.com")
        .sign();
    assert_eq!(verdict(&verifier, &token).await, Ok(()));
    sleep(MINUTE + SECOND).await;
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (0, 2));
}

#[test]
fn keys_are_fetched_from_safe_urls_only() {
    let codes = |issuer: &str, keys: KeySource| {
        let built = JwtVerifier::new([TrustedIssuer::new(issuer, "orders", keys)]);
        let error = built.unwrap_err();
        error
            .faults()
            .iter()
            .map(|fault| fault.kind().as_str())
            .collect::<Vec<_>>()
    };
    let network = Network::new();
    let url = |url: &str| KeySource::jwks_url(url, network.clone());
    assert_eq!(
        codes(ISSUER, url("http://id.example.com/jwks")),
        ["insecure_key_url"]
    );
    assert_eq!(
        codes(ISSUER, url("file:///etc/passwd")),
        ["insecure_key_url"]
    );
    let discovery = KeySource::discovery(network.clone());
    assert_eq!(
        codes("accounts.example.com", discovery.clone()),
        ["insecure_key_url"]
    );
    assert_eq!(
        codes("http://id.example.com", discovery),
        ["insecure_issuer", "insecure_key_url"]
    );
}
