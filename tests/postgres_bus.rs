//! Invalidations between replicas over a real PostgreSQL.

use std::{process::ExitCode, sync::Arc, time::Duration};

use libtest_mimic::{Arguments, Failed, Trial};
use sea_orm::{
    ConnectOptions, ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait,
};
use tokio::{runtime::Runtime, time::timeout};
use tower_jit_provisioning::{
    CachedProvisioner, Identity, IdentityKey, MemoryProvisioner, Provisioner,
    bus::{BusEvent, InvalidationBus, PostgresBus, PostgresPublisher, Publisher},
    testing::TestIdentity,
};

const PATIENCE: Duration = Duration::from_secs(30);

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // They kill each other's listeners otherwise.
    arguments.test_threads = Some(1);
    let url = std::env::var("TEST_POSTGRES_URL").ok();
    let trials = vec![
        trial("the_url_is_not_shown", &url, hidden),
        trial("a_committed_change_reaches_every_replica", &url, committed),
        trial("a_change_taken_back_reaches_nobody", &url, rolled_back),
        trial("hundreds_of_keys_arrive_one_by_one", &url, hundreds),
        trial("a_killed_listener_says_so_and_comes_back", &url, killed),
        trial("a_lost_bus_makes_the_cache_read_again", &url, read_again),
        trial(
            "an_unreachable_database_is_an_error_at_start",
            &url,
            unreachable,
        ),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial<F>(name: &str, url: &Option<String>, check: fn(Arc<Server>) -> F) -> Trial
where
    F: Future<Output = ()> + Send + 'static,
{
    let Some(url) = url.clone() else {
        let reason = "TEST_POSTGRES_URL is not set";
        return Trial::test(name, move || Err(reason.into()))
            .with_kind(reason)
            .with_ignored_flag(true);
    };
    Trial::test(name, move || {
        Runtime::new()?.block_on(async {
            let mut options = ConnectOptions::new(&url);
            options.max_connections(2).sqlx_logging(false);
            let db = Database::connect(options).await?;
            let checking = tokio::spawn(check(Arc::new(Server { url, db })));
            Ok::<_, Failed>(checking.await?)
        })
    })
}

struct Server {
    url: String,
    db: DatabaseConnection,
}

impl Server {
    async fn bus(&self) -> PostgresBus {
        PostgresBus::connect(&self.url).await.unwrap()
    }

    async fn publish(&self, keys: &[IdentityKey]) {
        let transaction = self.db.begin().await.unwrap();
        let publisher = PostgresPublisher::default();
        publisher.publish(&transaction, keys).await.unwrap();
        transaction.commit().await.unwrap();
    }

    /// Ends the connections that listen, as a failover does.
    async fn kill_listeners(&self) {
        let kill = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
                    WHERE query LIKE 'LISTEN%' OR query = 'SELECT 1'";
        let backend = self.db.get_database_backend();
        let killed = self
            .db
            .query_all_raw(Statement::from_string(backend, kill))
            .await;
        assert!(!killed.unwrap().is_empty(), "nobody listened");
    }
}

async fn next(bus: &PostgresBus) -> BusEvent {
    timeout(PATIENCE, bus.next()).await.expect("an event")
}

fn identity(subject: &str) -> Identity {
    TestIdentity::new("https://id.example.com", subject).build()
}

async fn committed(server: Arc<Server>) {
    let (here, there) = (server.bus().await, server.bus().await);
    let key = identity("ana").key();
    server.publish(&[key]).await;
    assert_eq!(next(&here).await, BusEvent::Invalidate(key));
    assert_eq!(next(&there).await, BusEvent::Invalidate(key));

    // As after a change by SQL.
    let notify = "NOTIFY tower_jit_provisioning, '*'";
    server.db.execute_unprepared(notify).await.unwrap();
    assert_eq!(next(&there).await, BusEvent::InvalidateAll);
}

async fn rolled_back(server: Arc<Server>) {
    let bus = server.bus().await;
    let transaction = server.db.begin().await.unwrap();
    let key = identity("ana").key();
    let publisher = PostgresPublisher::default();
    publisher.publish(&transaction, &[key]).await.unwrap();
    transaction.rollback().await.unwrap();
    // What comes next was published after it.
    let later = identity("bo").key();
    server.publish(&[later]).await;
    assert_eq!(next(&bus).await, BusEvent::Invalidate(later));
}

async fn hundreds(server: Arc<Server>) {
    let bus = server.bus().await;
    let keys: Vec<IdentityKey> = (0..250).map(|n| identity(&n.to_string()).key()).collect();
    server.publish(&keys).await;
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

async fn killed(server: Arc<Server>) {
    let bus = server.bus().await;
    server.kill_listeners().await;
    assert_eq!(next(&bus).await, BusEvent::Lost, "when it breaks");
    assert_eq!(next(&bus).await, BusEvent::Lost, "when it is back");
    let key = identity("ana").key();
    server.publish(&[key]).await;
    assert_eq!(next(&bus).await, BusEvent::Invalidate(key));
}

async fn read_again(server: Arc<Server>) {
    let users =
        CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(3600));
    users.listen(server.bus().await);
    let ana = identity("ana");
    users.provision(&ana).await.unwrap();
    assert!(users.cached(&ana).is_some());
    server.kill_listeners().await;
    let forgotten = async {
        while users.cached(&ana).is_some() {
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    timeout(PATIENCE, forgotten)
        .await
        .expect("the entry is read again");
}

async fn hidden(server: Arc<Server>) {
    let shown = format!("{:?}", server.bus().await);
    assert!(!shown.contains("postgres:"), "{shown}");
}

async fn unreachable(_: Arc<Server>) {
    let refused = PostgresBus::connect("postgres://nobody@127.0.0.1:1/none").await;
    assert!(refused.is_err());
}
