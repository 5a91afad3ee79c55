//! Invalidations between replicas over a real PostgreSQL.

use std::time::Duration;

use sea_orm::{ConnectionTrait, TransactionTrait};
use tokio::time::timeout;
use tower_jit_provisioning::{
    CachedProvisioner, Identity, IdentityKey, MemoryProvisioner, Provisioner,
    bus::{BusEvent, InvalidationBus, PostgresBus, PostgresPublisher, Publisher},
};

use crate::{
    common::database::PATIENCE,
    fixture::{Store, person},
};

async fn bus(store: &Store) -> PostgresBus {
    PostgresBus::connect(&store.url()).await.unwrap()
}

async fn publish(store: &Store, keys: &[IdentityKey]) {
    let transaction = store.db.begin().await.unwrap();
    let publisher = PostgresPublisher::default();
    publisher.publish(&transaction, keys).await.unwrap();
    transaction.commit().await.unwrap();
}

/// Terminates the listening connections, as a failover does.
async fn kill_listeners(store: &Store) {
    let killed = store
        .db
        .query_all_raw(store.statement(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() \
             AND (query LIKE 'LISTEN%' OR query = 'SELECT 1')",
        ))
        .await;
    assert!(!killed.unwrap().is_empty(), "no connection listened");
}

async fn next(bus: &PostgresBus) -> BusEvent {
    timeout(PATIENCE, bus.next()).await.expect("an event")
}

fn identity(subject: &str) -> Identity {
    person(subject).build()
}

pub(crate) async fn a_committed_change_reaches_every_replica(store: &Store) {
    let (here, there) = (bus(store).await, bus(store).await);
    let key = identity("ana").key();
    publish(store, &[key]).await;
    assert_eq!(next(&here).await, BusEvent::Invalidate(key));
    assert_eq!(next(&there).await, BusEvent::Invalidate(key));

    // As after a change by SQL.
    let notify = "NOTIFY tower_jit_provisioning, '*'";
    store.db.execute_unprepared(notify).await.unwrap();
    assert_eq!(next(&there).await, BusEvent::InvalidateAll);
}

pub(crate) async fn a_change_that_is_rolled_back_reaches_no_replica(store: &Store) {
    let bus = bus(store).await;
    let transaction = store.db.begin().await.unwrap();
    let key = identity("ana").key();
    let publisher = PostgresPublisher::default();
    publisher.publish(&transaction, &[key]).await.unwrap();
    transaction.rollback().await.unwrap();
    // The next message was published after it.
    let later = identity("bo").key();
    publish(store, &[later]).await;
    assert_eq!(next(&bus).await, BusEvent::Invalidate(later));
}

pub(crate) async fn hundreds_of_keys_arrive_one_by_one(store: &Store) {
    let bus = bus(store).await;
    let keys: Vec<IdentityKey> = (0..250).map(|n| identity(&n.to_string()).key()).collect();
    publish(store, &keys).await;
    let mut received = Vec::new();
    while received.len() < keys.len() {
        match next(&bus).await {
            BusEvent::Invalidate(key) => received.push(key),
            other => panic!("{other:?}"),
        }
    }
    received.sort_unstable();
    let mut sent = keys;
    sent.sort_unstable();
    assert_eq!(received, sent);
}

pub(crate) async fn a_killed_listener_reports_the_loss_and_reconnects(store: &Store) {
    let bus = bus(store).await;
    kill_listeners(store).await;
    assert_eq!(next(&bus).await, BusEvent::Lost, "when it breaks");
    assert_eq!(next(&bus).await, BusEvent::Lost, "when it is back");
    let key = identity("ana").key();
    publish(store, &[key]).await;
    assert_eq!(next(&bus).await, BusEvent::Invalidate(key));
}

pub(crate) async fn a_lost_bus_makes_the_cache_reload(store: &Store) {
    let users =
        CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(3600));
    users.listen(bus(store).await);
    let ana = identity("ana");
    users.provision(&ana).await.unwrap();
    assert!(users.cached(&ana).is_some());
    kill_listeners(store).await;
    let forgotten = async {
        while users.cached(&ana).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, forgotten)
        .await
        .expect("the entry is read again");
}

pub(crate) async fn the_url_is_not_shown(store: &Store) {
    let shown = format!("{:?}", bus(store).await);
    assert!(!shown.contains("postgres:"), "{shown}");
}

pub(crate) async fn an_unreachable_database_is_an_error_at_start(_: &Store) {
    let refused = PostgresBus::connect("postgres://nobody@127.0.0.1:1/none").await;
    assert!(refused.is_err());
}
