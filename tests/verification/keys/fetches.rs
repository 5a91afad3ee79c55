//! How often keys are fetched, for any sequence of tokens.

use std::{sync::Arc, time::Duration};

use tokio::time::{Instant, sleep};
use tower_jit_provisioning::{Algorithm, testing::SigningKey};

use super::network::{
    Answer, HOUR, ISSUER, JWKS, MINUTE, Network, OIDC, SECOND, jwks, key, pass, token, verdict,
};

#[tokio::test(start_paused = true)]
async fn metadata_and_keys_are_fetched_with_the_first_token_and_not_earlier() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    sleep(HOUR).await;
    assert_eq!(network.all_fetches(), 0);
    assert_eq!(verifier.status()[0].keys, 0);
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (1, 1));
    let status = &verifier.status()[0];
    assert_eq!((status.issuer.as_str(), status.keys), (ISSUER, 1));
    assert!(status.age().is_some() && status.last_error.is_none());
}

#[tokio::test(start_paused = true)]
async fn a_hundred_first_tokens_share_one_fetch_and_a_dropped_request_cancels_nothing() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Late(SECOND, jwks(&[&key])));
    let (verifier, _) = network.verifier();
    let tasks: Vec<_> = (0..100)
        .map(|number| {
            let (verifier, token) = (
                verifier.clone(),
                token(&key, &format!("user-{number}")).sign(),
            );
            tokio::spawn(async move { verdict(&verifier, &token).await })
        })
        .collect();
    tokio::task::yield_now().await;
    tasks[0].abort();
    for task in tasks.into_iter().skip(1) {
        assert_eq!(task.await.unwrap(), Ok(()));
    }
    assert_eq!((network.fetches(OIDC), network.fetches(JWKS)), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_unknown_kids_costs_one_fetch_per_cool_down_and_delays_no_valid_token() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    let good = token(&key, "ana").sign();
    assert_eq!(verdict(&verifier, &good).await, Ok(()));
    network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&key])));
    for number in 0..200 {
        let forged = token(&key, "eve")
            .header("kid", format!("made-up-{number}"))
            .sign();
        let flood = verifier.clone();
        tokio::spawn(async move { verdict(&flood, &forged).await });
        let another = token(&key, &format!("user-{number}")).sign();
        let before = Instant::now();
        assert_eq!(verdict(&verifier, &another).await, Ok(()));
        assert_eq!(
            before.elapsed(),
            Duration::ZERO,
            "a valid token does not wait"
        );
        sleep(SECOND / 2).await;
    }
    // 100 seconds of flood: fetches at 0, 30, 60 and 90.
    assert_eq!(network.fetches(JWKS), 1 + 4);
}

#[tokio::test(start_paused = true)]
async fn a_flood_of_bad_signatures_costs_one_fetch_per_cool_down() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    let forger = Arc::new(SigningKey::generate("a", Algorithm::Es256));
    for _ in 0..100 {
        assert_eq!(
            verdict(&verifier, &token(&forger, "eve").sign()).await,
            Err("signature")
        );
    }
    assert_eq!(network.fetches(JWKS), 2);
}

#[tokio::test(start_paused = true)]
async fn an_unknown_issuer_is_never_contacted() {
    let (network, key) = (Network::new(), key("a"));
    network.publish(&[&key]);
    let (verifier, _) = network.verifier();
    for issuer in [
        "https://evil.example",
        "https://id.example.com/realms/acme/",
        "",
    ] {
        let forged = token(&key, "eve").claim("iss", issuer).sign();
        assert_eq!(verdict(&verifier, &forged).await, Err("issuer"));
    }
    assert_eq!(network.all_fetches(), 0);
}

#[tokio::test(start_paused = true)]
async fn entity_tags_and_max_age_are_honoured() {
    let (network, key) = (Network::new(), key("a"));
    network.answer(JWKS, Answer::Tagged(jwks(&[&key]), "\"v1\""));
    let (verifier, clock) = network.verifier();
    for hour in 0..30 {
        let fresh = token(&key, &format!("user-{hour}")).sign();
        assert_eq!(
            verdict(&verifier, &fresh).await,
            Ok(()),
            "a 304 keeps keys fresh"
        );
        pass(&clock, HOUR).await;
    }
    let refreshed = network.fetches(JWKS) - 1;
    assert_eq!(network.not_modified(), refreshed);

    let short = Network::new();
    short.answer(JWKS, Answer::Aged(jwks(&[&key]), 60));
    let (verifier, _) = short.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(10 * MINUTE + SECOND).await;
    assert_eq!(short.fetches(JWKS), 1 + 10);
    let greedy = Network::new();
    greedy.answer(JWKS, Answer::Aged(jwks(&[&key]), 0));
    let (verifier, _) = greedy.verifier();
    assert_eq!(verdict(&verifier, &token(&key, "ana").sign()).await, Ok(()));
    sleep(5 * MINUTE + SECOND).await;
    assert_eq!(
        greedy.fetches(JWKS),
        1 + 10,
        "no more often than the cool-down"
    );
}
