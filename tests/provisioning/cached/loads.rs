//! Reads of the store.

use std::{sync::Arc, time::Duration};

use tokio::time::sleep;
use tower_jit_provisioning::{CachedProvisioner, Outcome, Provisioner, testing::TestIdentity};

use super::store::{SECOND, Store, ana};

#[tokio::test(start_paused = true)]
async fn a_cached_user_costs_no_call_until_the_ttl_is_over() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    assert!(users.cached(&ana()).is_none());
    assert_eq!(
        users.provision(&ana()).await.unwrap().outcome(),
        Outcome::Created
    );
    for _ in 0..100 {
        assert_eq!(users.cached(&ana()).unwrap().outcome(), Outcome::Found);
        assert_eq!(
            users.provision(&ana()).await.unwrap().outcome(),
            Outcome::Found
        );
    }
    assert_eq!(store.calls(), 1);
    // The read took one of the thirty seconds.
    sleep(28 * SECOND).await;
    assert!(users.cached(&ana()).is_some());
    sleep(SECOND).await;
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_adds_nothing_to_the_ttl() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(SECOND * 3 / 2);
    users.provision(&ana()).await.unwrap();
    assert!(users.cached(&ana()).is_some());
    sleep(SECOND / 2).await;
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn no_request_joins_a_load_that_is_older_than_the_ttl() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(SECOND / 2);
    let ask = async |after| {
        sleep(after).await;
        *users.provision(&ana()).await.unwrap().into_parts().0
    };
    // The last request still joins the second load, although the first has ended.
    let (first, joined, second, last) = tokio::join!(
        ask(Duration::ZERO),
        ask(SECOND * 49 / 100),
        ask(SECOND * 6 / 10),
        ask(SECOND * 105 / 100),
    );
    assert_eq!((first, joined, second, last), (0, 0, 1, 1));
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_ttl_every_request_reads_the_store() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(Duration::ZERO);
    let identity = ana();
    let (one, other) = tokio::join!(users.provision(&identity), users.provision(&identity));
    assert!(one.is_ok() && other.is_ok());
    assert!(users.cached(&identity).is_none());
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn many_first_requests_share_one_load_and_one_reports_the_creation() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let users = users.clone();
            tokio::spawn(async move { users.provision(&ana()).await.unwrap().outcome() })
        })
        .collect();
    let mut created = 0;
    for request in crowd {
        created += usize::from(request.await.unwrap() == Outcome::Created);
    }
    assert_eq!((store.calls(), created), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_dropped_request_cancels_no_other_request() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let first = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    let second = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(second.await.unwrap());
    assert_eq!(store.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_unavailable_and_the_next_one_starts() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    store.panics(true);
    let error = users.provision(&ana()).await.unwrap_err();
    assert_eq!(error.reason(), "store");
    store.panics(false);
    assert!(users.provision(&ana()).await.is_ok());
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_and_works_over_and_inside_dyn_provisioners() {
    let dynamic: Arc<dyn Provisioner<User = usize>> = Arc::new(Store::default());
    let users = CachedProvisioner::new(dynamic)
        .with_capacity(10)
        .with_ttl(SECOND * 3600);
    for number in 0..100 {
        let identity = TestIdentity::new("https://id.example.com", format!("user-{number}"));
        users.provision(&identity.build()).await.unwrap();
    }
    let held = (0..100).filter(|number| {
        let identity = TestIdentity::new("https://id.example.com", format!("user-{number}"));
        users.cached(&identity.build()).is_some()
    });
    let held = held.count();
    assert!((1..=20).contains(&held), "{held}");
    let erased: Box<dyn Provisioner<User = usize>> = Box::new(users);
    erased.provision(&ana()).await.unwrap();
    assert!(erased.cached(&ana()).is_some());
}
