//! The task that refreshes keys: its start, its end, and its limits.

use std::time::Duration;

use tokio::time::sleep;
use tower_jit_provisioning::{ErrorKind, JwtVerifier, verifier::KeyRefresh};

use super::network::{
    Answer, HOUR, JWKS, MINUTE, Network, OIDC, SECOND, key, pass, token, verdict, verifier,
};

#[tokio::test(start_paused = true)]
async fn readiness_waits_for_keys_and_reports_when_there_are_none() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    verifier.ready().await.unwrap();
    assert_eq!(network.fetches(JWKS), 1);
    verifier.ready().await.unwrap();
    assert_eq!(network.fetches(JWKS), 1);
    let down = Network::new();
    down.answer(OIDC, Answer::Status(500));
    let (verifier, _) = down.verifier();
    assert_eq!(
        verifier.ready().await.unwrap_err().kind(),
        ErrorKind::Unavailable
    );
}

#[tokio::test(start_paused = true)]
async fn the_refresh_stops_when_the_last_handle_drops() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    let clone = verifier.clone();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    drop(verifier);
    sleep(HOUR).await;
    let refreshed = network.fetches(JWKS);
    assert!(refreshed > 10, "a clone keeps it running");
    drop(clone);
    sleep(HOUR).await;
    assert_eq!(network.fetches(JWKS), refreshed);
    assert_eq!(network.handles(), 1, "no task holds on to the fetcher");
}

#[tokio::test(start_paused = true)]
async fn infinite_and_zero_limits_neither_panic_nor_loop() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let limits = |limit| {
        KeyRefresh::new()
            .with_interval(limit)
            .with_cool_down(limit)
            .with_max_stale(limit)
            .with_timeout(MINUTE)
    };
    let never = network.trusted().with_key_refresh(limits(Duration::MAX));
    let (verifier, _) = verifier(never);
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    for number in 0..3 {
        let forged = token(&key, "eve").header("kid", format!("made-up-{number}"));
        assert_eq!(verdict(&verifier, &forged.sign()).await, Err("key"));
    }
    assert!(verifier.status()[0].last_success.is_some());
    assert_eq!(network.fetches(JWKS), 2);
    drop(verifier);

    let always = network.trusted().with_key_refresh(limits(Duration::ZERO));
    let verifier = JwtVerifier::new([always]).unwrap();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(10 * SECOND).await;
    assert!((10..=14).contains(&network.fetches(JWKS)));
}

#[test]
fn the_refresh_continues_on_another_runtime_after_its_first_one_ended() {
    let runtime = || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        builder.enable_all().start_paused(true).build().unwrap()
    };
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old, &new]);
    let (verifier, clock) = network.verifier();
    runtime().block_on(verifier.ready()).unwrap();
    runtime().block_on(async {
        let by_old = token(&old, "ana").sign();
        assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
        network.publish(&[&new]);
        pass(&clock, 6 * MINUTE).await;
        assert!(verifier.cached(&by_old).is_none());
    });
}
