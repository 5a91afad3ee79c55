//! Configurations reloaded while requests are served.

use std::sync::Arc;

use serde_json::json;
use tokio::time::{sleep, timeout};
use tower_jit_provisioning::{
    Algorithm, JwtVerifier, KeySource, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
    verifier::KeyRefresh,
};

use super::network::{
    Answer, HOUR, ISSUER, JWKS, MINUTE, Network, OIDC, SECOND, jwks, key, pass, token, verdict,
};

#[tokio::test(start_paused = true)]
async fn a_reload_replaces_issuers_audiences_and_policy_together() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = |audience: &str| TrustedIssuer::new(ISSUER, audience, keys.clone());
    let verifier = JwtVerifier::new([trusted("orders")]).unwrap();
    let orders = token(&key, "ana").sign();
    let billing = token(&key, "ana").audience("billing").sign();
    assert_eq!(verdict(&verifier, &orders).await, Ok(()));
    assert_eq!(verdict(&verifier, &billing).await, Err("audience"));

    verifier.reload([trusted("billing")]).unwrap();
    assert!(
        verifier.cached(&orders).is_none(),
        "verified again, by the new rules"
    );
    assert_eq!(verdict(&verifier, &orders).await, Err("audience"));
    assert_eq!(verdict(&verifier, &billing).await, Ok(()));
    assert_eq!(network.fetches(JWKS), 1, "keys already fetched are kept");

    let no_audience: [&str; 0] = [];
    let faulty = TrustedIssuer::new(ISSUER, no_audience, keys.clone());
    assert!(verifier.reload([faulty]).is_err());
    assert!(
        verifier.cached(&billing).is_some(),
        "a faulty configuration changes nothing"
    );

    let other = TestIssuer::new("https://other.example.com");
    verifier.reload([other.trusted("orders")]).unwrap();
    assert!(verifier.cached(&billing).is_none());
    assert_eq!(verdict(&verifier, &billing).await, Err("issuer"));
}

#[tokio::test]
async fn removing_an_issuer_invalidates_its_cached_tokens_for_every_kind_of_keys() {
    let (named, secret) = (key("a"), [7; 32]);
    let mut unnamed = named.jwk();
    unnamed.as_object_mut().unwrap().remove("kid");
    let unnamed = json!({"keys": [unnamed]}).to_string();
    let shared = Arc::new(SigningKey::hmac("b", Algorithm::Hs256, &secret));
    for (name, keys, key) in [
        ("named", KeySource::jwks(jwks(&[&named])), &named),
        ("without kid", KeySource::jwks(unnamed), &named),
        (
            "pinned",
            KeySource::pem(named.public_pem().unwrap()),
            &named,
        ),
        ("secret", KeySource::hmac_secret(secret), &shared),
    ] {
        let trusted = TrustedIssuer::new(ISSUER, "orders", keys);
        let trusted = trusted.with_algorithms([key.algorithm()]);
        let verifier = JwtVerifier::new([trusted]).unwrap();
        let ana = token(key, "ana").header("alg", key.algorithm().as_str());
        let ana = ana.without_header("kid").sign();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()), "{name}");
        assert!(verifier.cached(&ana).is_some(), "{name}");
        let other = TestIssuer::new("https://other.example.com");
        verifier.reload([other.trusted("orders")]).unwrap();
        assert!(verifier.cached(&ana).is_none(), "{name}");
        assert_eq!(verdict(&verifier, &ana).await, Err("issuer"), "{name}");
    }
}

#[tokio::test(start_paused = true)]
async fn keys_that_arrive_after_their_issuer_was_removed_verify_no_token() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&key])));
    let (verifier, _) = network.verifier();
    let late = token(&key, "ana").sign();
    let waiting = {
        let (verifier, late) = (verifier.clone(), late.clone());
        tokio::spawn(async move { verdict(&verifier, &late).await })
    };
    sleep(SECOND / 2).await;
    let other = TestIssuer::new("https://other.example.com");
    verifier.reload([other.trusted("orders")]).unwrap();
    assert_eq!(waiting.await.unwrap(), Err("issuer"));
    assert!(verifier.cached(&late).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_reload_does_not_reset_the_back_off_of_an_unavailable_issuer() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Status(500));
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    for _ in 0..50 {
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        verifier.reload([network.trusted()]).unwrap();
    }
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reload_does_not_extend_the_stale_keys_of_an_unavailable_issuer() {
    // The keys are fetched at 0 and valid for a day; a reload keeps them for at most a day from
    // then on.
    for (reload_at, max_stale, end) in [(23 * HOUR, 24 * HOUR, 24 * HOUR), (HOUR, HOUR, 2 * HOUR)] {
        let (network, key) = (Network::new(), key("a"));
        network.publish(&[&key]);
        let (verifier, clock) = network.verifier();
        let ana = token(&key, "ana").sign();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()));
        for url in [OIDC, JWKS] {
            network.answer(url, Answer::Status(503));
        }
        pass(&clock, reload_at).await;
        let refresh = KeyRefresh::new().with_max_stale(max_stale);
        let trusted = network.trusted().with_key_refresh(refresh);
        verifier.reload([trusted]).unwrap();
        assert_eq!(verdict(&verifier, &ana).await, Ok(()));
        pass(&clock, end - reload_at - SECOND).await;
        assert!(verifier.cached(&ana).is_some(), "{end:?}");
        pass(&clock, SECOND).await;
        assert!(verifier.cached(&ana).is_none(), "{end:?}");
        assert_eq!(verdict(&verifier, &ana).await, Err("keys"), "{end:?}");
    }
}

#[tokio::test]
async fn a_reload_applies_to_verifiers_with_another_cache() {
    let id = TestIssuer::new(ISSUER);
    let verifier = JwtVerifier::new([id.trusted("orders")]).unwrap();
    let uncached = verifier.clone().with_cache_capacity(0);
    let orders = id.token("ana").audience("orders").sign();
    let billing = id.token("ana").audience("billing").sign();
    uncached.reload([id.trusted("billing")]).unwrap();
    for verifier in [verifier, uncached] {
        assert_eq!(verdict(&verifier, &orders).await, Err("audience"));
        assert_eq!(verdict(&verifier, &billing).await, Ok(()));
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_fails_no_request_in_progress() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = || TrustedIssuer::new(ISSUER, "orders", keys.clone());
    let verifier = JwtVerifier::new([trusted()])
        .unwrap()
        .with_cache_capacity(0);
    let reloading = verifier.clone();
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    let checks = tokio::spawn(async move {
        for _ in 0..2_000 {
            assert_eq!(verdict(&verifier, &good).await, Ok(()));
        }
    });
    while !checks.is_finished() {
        reloading.reload([trusted()]).unwrap();
        tokio::task::yield_now().await;
    }
    timeout(MINUTE, checks).await.unwrap().unwrap();
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn concurrent_reloads_lose_no_keys_during_an_outage() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let keys = KeySource::discovery(network.clone());
    let trusted = move || TrustedIssuer::new(ISSUER, "orders", keys.clone());
    let verifier = JwtVerifier::new([trusted()])
        .unwrap()
        .with_cache_capacity(0);
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    network.answer(OIDC, Answer::Status(503));
    network.answer(JWKS, Answer::Status(503));
    let reloads: Vec<_> = (0..3)
        .map(|_| {
            let (verifier, trusted) = (verifier.clone(), trusted.clone());
            std::thread::spawn(move || {
                for _ in 0..5_000 {
                    verifier.reload([trusted()]).unwrap();
                }
            })
        })
        .collect();
    while !reloads.iter().all(std::thread::JoinHandle::is_finished) {
        assert_eq!(verdict(&verifier, &good).await, Ok(()));
    }
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    assert_eq!(network.fetches(JWKS), 1);
}

#[tokio::test(start_paused = true)]
async fn a_reload_repeats_the_fetch_it_interrupts() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&old, &new])));
    let first = {
        let (verifier, token) = (verifier.clone(), token(&new, "ana").sign());
        tokio::spawn(async move { verdict(&verifier, &token).await })
    };
    sleep(SECOND / 2).await;
    verifier.reload([network.trusted()]).unwrap();
    assert_eq!(first.await.unwrap(), Ok(()));
    assert_eq!(network.fetches(JWKS), 3);
}
