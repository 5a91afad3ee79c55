//! New keys, and withdrawn keys.

use tokio::time::sleep;

use super::network::{Answer, JWKS, MINUTE, Network, SECOND, jwks, key, pass, token, verdict};

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_with_its_first_token() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
    network.publish(&[&old, &new]);
    assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
    assert_eq!(verdict(&verifier, &token(&old, "bob").sign()).await, Ok(()));
}

#[tokio::test(start_paused = true)]
async fn a_new_key_under_the_old_kid_is_found_with_its_first_token() {
    let (network, old, new) = (Network::new(), key("same"), key("same"));
    network.publish(&[&old]);
    let (verifier, _) = network.verifier();
    let before = token(&old, "ana").sign();
    assert_eq!(verdict(&verifier, &before).await, Ok(()));
    network.publish(&[&new]);
    assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
    assert!(
        verifier.cached(&before).is_none(),
        "the old key is gone, and its tokens with it"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_key_is_found_although_the_fetch_in_progress_predates_it() {
    for kid in ["new", "old"] {
        let (network, old, new) = (Network::new(), key("old"), key(kid));
        network.publish(&[&old]);
        let (verifier, _) = network.verifier();
        assert_eq!(verdict(&verifier, &token(&old, "ana").sign()).await, Ok(()));
        network.answer(JWKS, Answer::Late(2 * SECOND, jwks(&[&old])));
        sleep(5 * MINUTE + SECOND).await;
        assert_eq!(network.fetches(JWKS), 2, "the refresh is under way");
        network.publish(&[&new]);
        assert_eq!(verdict(&verifier, &token(&new, "ana").sign()).await, Ok(()));
        assert_eq!(network.fetches(JWKS), 3);
    }
}

#[tokio::test(start_paused = true)]
async fn a_withdrawn_key_invalidates_its_cached_tokens_within_the_interval() {
    let (network, old, new) = (Network::new(), key("old"), key("new"));
    network.publish(&[&old, &new]);
    let (verifier, clock) = network.verifier();
    let (by_old, by_new) = (token(&old, "ana").sign(), token(&new, "ana").sign());
    assert_eq!(verdict(&verifier, &by_old).await, Ok(()));
    assert_eq!(verdict(&verifier, &by_new).await, Ok(()));
    network.publish(&[&new]);
    assert!(verifier.cached(&by_old).is_some());
    pass(&clock, 5 * MINUTE + SECOND).await;
    assert!(verifier.cached(&by_old).is_none());
    assert_eq!(verdict(&verifier, &by_old).await, Err("key"));
    assert!(
        verifier.cached(&by_new).is_some(),
        "a key that stays keeps its tokens"
    );
}
