//! The cache while the store is down, and while invalidations may be missed.

use std::{
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use tokio::{sync::mpsc, time::advance};
use tower_jit_provisioning::{
    CachedProvisioner, DenialReason, Identity, Outcome, ProvisionError, Provisioned, Provisioner,
    UserStatus,
    bus::{BusEvent, InvalidationBus},
    provisioner::Standing,
    testing::TestIdentity,
};

const SECOND: Duration = Duration::from_secs(1);

/// A user with these roles.
type Account = Vec<&'static str>;

/// A store that returns a configured result and counts its calls.
#[derive(Clone)]
struct Store(Arc<State>);

struct State {
    calls: AtomicUsize,
    answer: Mutex<Result<Provisioned<Account>, ProvisionError>>,
}

impl Store {
    fn new() -> Self {
        Self(Arc::new(State {
            calls: AtomicUsize::new(0),
            answer: Mutex::new(Ok(found(vec!["admin", "editor"], None))),
        }))
    }

    fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    fn answer(&self, answer: Result<Provisioned<Account>, ProvisionError>) {
        *self.0.answer.lock().unwrap() = answer;
    }

    fn fail(&self) {
        self.answer(Err(ProvisionError::unavailable("down")));
    }

    fn recover(&self) {
        self.answer(Ok(found(vec!["admin", "editor"], None)));
    }
}

#[async_trait]
impl Provisioner for Store {
    type User = Account;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        self.0.calls.fetch_add(1, SeqCst);
        self.0.answer.lock().unwrap().clone()
    }
}

fn found(roles: Account, tokens_valid_after: Option<i64>) -> Provisioned<Account> {
    let fresh = token(i64::MAX);
    let standing = Standing::new(UserStatus::Active, fresh.kind());
    let standing = standing.with_tokens_valid_after(tokens_valid_after);
    Provisioned::found(roles, fresh.enter(standing, &[]).unwrap())
}

fn ana() -> Identity {
    token(1_000)
}

fn token(issued_at: i64) -> Identity {
    TestIdentity::new("https://id.example.com", "ana")
        .with_issued_at(issued_at)
        .build()
}

/// Caches users for 30 seconds, and for 10 minutes without `admin` while the store is down.
fn with_stale_users(store: &Store) -> CachedProvisioner<Store> {
    CachedProvisioner::new(store.clone()).with_stale_for(600 * SECOND, |roles| {
        Some(
            roles
                .iter()
                .copied()
                .filter(|role| *role != "admin")
                .collect(),
        )
    })
}

async fn roles(users: &CachedProvisioner<Store>) -> Result<Account, &'static str> {
    let provisioned = users.provision(&ana()).await;
    provisioned
        .map(|provisioned| provisioned.user().to_vec())
        .map_err(|error| error.reason())
}

#[tokio::test(start_paused = true)]
async fn without_stale_for_an_expired_entry_is_not_used_while_the_store_is_down() {
    let store = Store::new();
    let users = CachedProvisioner::new(store.clone());
    roles(&users).await.unwrap();
    store.fail();
    advance(29 * SECOND).await;
    assert_eq!(roles(&users).await, Ok(vec!["admin", "editor"]), "fresh");
    advance(SECOND).await;
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn a_known_user_is_served_without_privileges_until_stale_for_is_over() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    store.fail();
    for _ in 0..19 {
        advance(30 * SECOND).await;
        assert_eq!(roles(&users).await, Ok(vec!["editor"]));
    }
    advance(30 * SECOND).await;
    assert_eq!(
        roles(&users).await,
        Err("store"),
        "600 seconds after the last good read"
    );
}

#[tokio::test(start_paused = true)]
async fn an_unavailable_store_is_called_once_a_second_per_user() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    store.fail();
    advance(30 * SECOND).await;
    let before = store.calls();
    for _ in 0..100 {
        roles(&users).await.unwrap();
        users.cached(&ana()).expect("the warm path works on");
    }
    assert_eq!(store.calls() - before, 1);
    advance(SECOND).await;
    roles(&users).await.unwrap();
    assert_eq!(store.calls() - before, 2);
}

#[tokio::test(start_paused = true)]
async fn the_stale_user_is_derived_from_the_cached_user_each_time() {
    let store = Store::new();
    let users = CachedProvisioner::new(store.clone()).with_stale_for(600 * SECOND, |roles| {
        Some(roles.iter().copied().chain(["stale"]).collect())
    });
    roles(&users).await.unwrap();
    store.fail();
    advance(30 * SECOND).await;
    for _ in 0..3 {
        assert_eq!(roles(&users).await, Ok(vec!["admin", "editor", "stale"]));
        advance(2 * SECOND).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stale_user_is_not_served_after_stale_for() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    store.fail();
    advance(600 * SECOND - SECOND / 2).await;
    assert_eq!(roles(&users).await, Ok(vec!["editor"]));
    advance(SECOND / 2).await;
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn the_user_has_all_privileges_again_after_the_outage() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    store.fail();
    advance(30 * SECOND).await;
    assert_eq!(roles(&users).await, Ok(vec!["editor"]));
    store.recover();
    advance(SECOND).await;
    assert_eq!(roles(&users).await, Ok(vec!["admin", "editor"]));
}

#[tokio::test(start_paused = true)]
async fn an_unknown_user_is_not_served_during_an_outage() {
    let store = Store::new();
    store.fail();
    assert_eq!(roles(&with_stale_users(&store)).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn an_application_can_refuse_stale_users() {
    let store = Store::new();
    let users = CachedProvisioner::new(store.clone()).with_stale_for(600 * SECOND, |_| None);
    roles(&users).await.unwrap();
    store.fail();
    advance(30 * SECOND).await;
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn a_known_deactivation_is_kept_during_an_outage() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    users.invalidate(ana().key());
    store.fail();
    assert_eq!(roles(&users).await, Err("store"));

    store.recover();
    roles(&users).await.unwrap();
    advance(30 * SECOND).await;
    store.answer(Err(DenialReason::Deactivated.into()));
    assert_eq!(roles(&users).await, Err("deactivated"));
    store.fail();
    advance(2 * SECOND).await;
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn a_refusal_of_the_user_ends_the_entries_of_their_other_tokens() {
    for reason in [DenialReason::Deactivated, DenialReason::Deleted] {
        let store = Store::new();
        let users = with_stale_users(&store);
        let other = TestIdentity::new("https://id.example.com", "ana").with_full_name("Ana");
        let other = other.build();
        users.provision(&other).await.unwrap();
        store.answer(Err(reason.into()));
        assert_eq!(roles(&users).await, Err(reason.as_str()));
        assert!(users.cached(&other).is_none(), "{reason:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_not_served_a_stale_user() {
    let store = Store::new();
    store.answer(Ok(found(vec!["editor"], Some(1_500))));
    let users = with_stale_users(&store);
    users.provision(&token(2_000)).await.unwrap();
    store.fail();
    advance(30 * SECOND).await;
    let refused = users.provision(&token(1_000)).await.unwrap_err();
    assert_eq!(refused.reason(), "revoked");
    assert!(users.provision(&token(2_000)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_known_revocation_is_kept_during_an_outage() {
    let store = Store::new();
    let users = with_stale_users(&store);
    roles(&users).await.unwrap();
    advance(30 * SECOND).await;
    store.answer(Err(ProvisionError::Revoked));
    assert_eq!(roles(&users).await, Err("revoked"));
    store.fail();
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_keeps_the_entries_of_newer_tokens() {
    let store = Store::new();
    store.answer(Ok(found(vec!["editor"], Some(1_500))));
    let users = with_stale_users(&store);
    users.provision(&token(2_000)).await.unwrap();
    for _ in 0..3 {
        let refused = users.provision(&token(1_000)).await.unwrap_err();
        assert_eq!(refused.reason(), "revoked");
        assert!(users.cached(&token(2_000)).is_some());
    }
    // The same if the entry is too old to refuse the token, and the store refuses it.
    advance(30 * SECOND).await;
    store.answer(Err(ProvisionError::Revoked));
    let refused = users.provision(&token(1_000)).await.unwrap_err();
    assert_eq!(refused.reason(), "revoked");
    store.fail();
    assert!(users.provision(&token(2_000)).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_pending_approval_ends_no_entries() {
    let store = Store::new();
    let users = with_stale_users(&store);
    let other = TestIdentity::new("https://id.example.com", "ana").with_full_name("Ana");
    let other = other.build();
    users.provision(&other).await.unwrap();
    store.answer(Err(DenialReason::PendingApproval.into()));
    assert_eq!(roles(&users).await, Err("pending_approval"));
    assert!(users.cached(&other).is_some());
}

#[tokio::test(start_paused = true)]
async fn a_later_option_keeps_handles_and_listeners_attached() {
    let (wire, receiver) = mpsc::unbounded_channel();
    let early = CachedProvisioner::new(Store::new());
    early.listen(Wire(tokio::sync::Mutex::new(receiver)));
    let users = early.clone().with_ttl(3600 * SECOND);
    roles(&users).await.unwrap();
    early.invalidate(ana().key());
    assert!(users.cached(&ana()).is_none());

    roles(&users).await.unwrap();
    drop(early);
    wire.send(BusEvent::Invalidate(ana().key())).unwrap();
    delivered().await;
    assert!(users.cached(&ana()).is_none());
}

/// A bus that delivers the events that the test sends.
struct Wire(tokio::sync::Mutex<mpsc::UnboundedReceiver<BusEvent>>);

#[async_trait]
impl InvalidationBus for Wire {
    async fn next(&self) -> BusEvent {
        match self.0.lock().await.recv().await {
            Some(event) => event,
            None => std::future::pending().await,
        }
    }
}

/// Returns a cache with a user in it, and the sender of its bus.
async fn wired(store: &Store) -> (CachedProvisioner<Store>, mpsc::UnboundedSender<BusEvent>) {
    let (sender, receiver) = mpsc::unbounded_channel();
    let users = with_stale_users(store);
    users.listen(Wire(tokio::sync::Mutex::new(receiver)));
    roles(&users).await.unwrap();
    (users, sender)
}

/// Lets the listener process the sent events.
async fn delivered() {
    for _ in 0..10 {
        tokio::task::yield_now().await;
    }
}

#[tokio::test(start_paused = true)]
async fn users_named_by_the_bus_are_reloaded() {
    for (event, is_forgotten) in [
        (BusEvent::Invalidate(ana().key()), true),
        (BusEvent::InvalidateAll, true),
        (BusEvent::Lost, true),
        (BusEvent::Invalidate(other_key()), false),
    ] {
        let store = Store::new();
        let (users, wire) = wired(&store).await;
        wire.send(event).unwrap();
        delivered().await;
        assert_eq!(users.cached(&ana()).is_none(), is_forgotten, "{event:?}");
    }
}

fn other_key() -> tower_jit_provisioning::IdentityKey {
    TestIdentity::new("https://id.example.com", "bo")
        .build()
        .key()
}

#[tokio::test(start_paused = true)]
async fn a_lost_bus_drops_no_user_while_the_store_is_down() {
    let store = Store::new();
    let (users, wire) = wired(&store).await;
    store.fail();
    wire.send(BusEvent::Lost).unwrap();
    delivered().await;
    assert_eq!(roles(&users).await, Ok(vec!["editor"]));
    // An invalidation does drop the user.
    wire.send(BusEvent::Invalidate(ana().key())).unwrap();
    delivered().await;
    assert_eq!(roles(&users).await, Err("store"));
}

#[tokio::test(start_paused = true)]
async fn a_load_started_before_the_bus_was_lost_is_not_cached() {
    struct Slow(Store, tokio::sync::Notify);

    #[async_trait]
    impl Provisioner for Slow {
        type User = Account;

        async fn provision(
            &self,
            identity: &Identity,
        ) -> Result<Provisioned<Account>, ProvisionError> {
            self.1.notified().await;
            self.0.provision(identity).await
        }
    }

    let store = Arc::new(Slow(Store::new(), tokio::sync::Notify::new()));
    let users = CachedProvisioner::new(Arc::clone(&store));
    let (wire, receiver) = mpsc::unbounded_channel();
    users.listen(Wire(tokio::sync::Mutex::new(receiver)));
    let loading = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.unwrap().outcome() }
    });
    delivered().await;
    wire.send(BusEvent::Lost).unwrap();
    delivered().await;
    store.1.notify_one();
    assert_eq!(loading.await.unwrap(), Outcome::Found);
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn the_listener_ends_with_the_last_handle() {
    let (sender, receiver) = mpsc::unbounded_channel();
    let users = with_stale_users(&Store::new());
    users.listen(Wire(tokio::sync::Mutex::new(receiver)));
    let handle = users.clone();
    drop(users);
    delivered().await;
    assert!(!sender.is_closed());
    drop(handle);
    delivered().await;
    assert!(sender.is_closed());
}
