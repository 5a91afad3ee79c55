//! Issuers that are down, slow or wrong.

use std::time::Duration;

use serde_json::json;
use tokio::time::{Instant, sleep};
use tower_jit_provisioning::{Algorithm, ErrorKind, testing::SigningKey};

use super::network::{
    Answer, HOUR, ISSUER, JWKS, MINUTE, Network, OIDC, SECOND, jwks, key, metadata, pass, token,
    verdict,
};

#[tokio::test(start_paused = true)]
async fn known_keys_survive_an_outage_up_to_the_maximum_age() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, clock) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    for url in [OIDC, JWKS] {
        network.answer(url, Answer::Status(503));
    }
    for hour in 0..23 {
        pass(&clock, HOUR).await;
        let fresh = token(&key, &format!("user-{hour}")).sign();
        assert_eq!(
            verdict(&verifier, &fresh).await,
            Ok(()),
            "after {hour} hours"
        );
    }
    assert!(verifier.status()[0].last_error.is_some());
    pass(&clock, 2 * HOUR).await;
    let cached = token(&key, "user-1").sign();
    assert!(verifier.cached(&cached).is_none());
    let error = verifier
        .verify(&token(&key, "ana").sign())
        .await
        .unwrap_err();
    assert_eq!(
        (error.kind(), error.reason()),
        (ErrorKind::Unavailable, "keys")
    );
    network.answer(OIDC, Answer::Body(metadata(ISSUER, JWKS)));
    network.publish(&[&key]);
    pass(&clock, 10 * MINUTE).await;
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn without_keys_fetches_back_off_under_a_flood_and_recover() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Status(500));
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    for _ in 0..1000 {
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        sleep(SECOND / 100).await;
    }
    // 10 seconds, with pauses of 1, 2, 4 and 8 seconds and up to a quarter more.
    assert!(
        (3..=4).contains(&network.fetches(JWKS)),
        "{}",
        network.fetches(JWKS)
    );
    network.publish(&[&key]);
    sleep(20 * SECOND).await;
    let before = Instant::now();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    assert_eq!(
        before.elapsed(),
        Duration::ZERO,
        "the background refresh has them"
    );
}

#[tokio::test(start_paused = true)]
async fn a_faulty_response_never_replaces_a_valid_set() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, clock) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    let good = jwks(&[&key]);
    let many: Vec<_> = (0..65)
        .map(|number| SigningKey::generate(format!("{number}"), Algorithm::EdDsa).jwk())
        .collect();
    for body in [
        String::new(),
        "{}".to_owned(),
        "[]".to_owned(),
        r#"{"keys":[]}"#.to_owned(),
        r#"{"keys":[{"kty":"oct","k":"AAAA","kid":"a"}]}"#.to_owned(),
        "<!doctype html><title>502</title>".to_owned(),
        good[..good.len() / 2].to_owned(),
        format!("\u{feff}{good}"),
        format!("{good}{good}"),
        format!(
            r#"{{"keys":{}1{}}}"#,
            "[".repeat(50_000),
            "]".repeat(50_000)
        ),
        json!({"keys": many}).to_string(),
        format!("{}{good}", " ".repeat(256 * 1024)),
    ] {
        let fetches = network.fetches(JWKS);
        network.answer(JWKS, Answer::Body(body.clone()));
        pass(&clock, 10 * MINUTE).await;
        assert!(network.fetches(JWKS) > fetches, "the key set was requested");
        let fresh = token(&key, "bob").sign();
        assert_eq!(verdict(&verifier, &fresh).await, Ok(()), "{:.60}", body);
        assert!(verifier.status()[0].last_error.is_some(), "{:.60}", body);
    }
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_no_longer_than_the_limit() {
    for answer in [Answer::Hang, Answer::Late(10 * SECOND, String::new())] {
        let (network, key) = (Network::new(), key("a"));
        network.answer(OIDC, answer);
        let (verifier, _) = network.verifier();
        let good = token(&key, "ana").sign();
        let before = Instant::now();
        assert_eq!(verdict(&verifier, &good).await, Err("keys"));
        assert_eq!(before.elapsed(), 3 * SECOND);
        sleep(3 * SECOND).await;
        let status = &verifier.status()[0];
        assert!(
            status.last_error.is_some(),
            "the fetch itself ends after 5 seconds"
        );
    }
}

#[tokio::test(start_paused = true)]
async fn a_panicking_fetcher_backs_off_and_does_not_end_the_refresh() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.answer(JWKS, Answer::Panic);
    let (verifier, clock) = network.verifier();
    let by_old = token(&old, "ana").sign();
    for _ in 0..1000 {
        assert_eq!(verdict(&verifier, &by_old).await, Err("keys"));
        sleep(SECOND / 100).await;
    }
    assert!((3..=4).contains(&network.fetches(JWKS)));
    network.publish(&[&old, &new]);
    pass(&clock, MINUTE).await;
    assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
    network.answer(JWKS, Answer::Panic);
    pass(&clock, 6 * MINUTE).await;
    assert!(verifier.status()[0].last_error.is_some());
    network.publish(&[&new]);
    pass(&clock, 6 * MINUTE).await;
    assert!(verifier.cached(&by_old).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_request_waits_no_longer_than_the_limit_for_two_fetches_together() {
    let (network, real) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&real])));
    let (verifier, _) = network.verifier();
    // The first fetch finds its key; a second one looks for another because the signature does not
    // match.
    let forged = token(&key("a"), "eve").sign();
    let started = Instant::now();
    assert!(verdict(&verifier, &forged).await.is_err());
    assert_eq!(network.fetches(JWKS), 2);
    assert!(started.elapsed() <= 3 * SECOND, "{:?}", started.elapsed());
}
