//! A user is deactivated at one replica, while three replicas serve them at full speed.

use std::{
    sync::{Arc, OnceLock},
    time::{Duration, Instant},
};

use async_trait::async_trait;
use sea_orm::DatabaseConnection;
use tokio::{
    io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt},
    net::{TcpListener, TcpStream},
    sync::watch,
    task::JoinSet,
    time::sleep,
};
use tower_jit_provisioning::{
    CachedProvisioner, Identity, JwtVerifier, ProvisionError, Provisioned, Provisioner,
    bus::{PostgresBus, PostgresPublisher},
    sea_orm::{SeaOrmProvisioner, User},
};
use url::Url;

use crate::{
    app::App,
    common::database::{Backend, TestDatabase},
    figures::Figures,
    people::{self, mint, subject},
};

const REPLICAS: usize = 3;

/// Upper limit until every replica refuses the user, in 99 of 100 cases.
const PROPAGATION: Duration = Duration::from_millis(250);

/// Duration for which a replica without the bus may still serve the user.
const TTL: Duration = Duration::from_secs(1);

/// Duration of a read at a replica without the bus, so that the deactivation happens during the
/// read.
const LAG: Duration = Duration::from_millis(120);

/// The store, with a delay before its results arrive.
struct Distant(SeaOrmProvisioner, Duration);

#[async_trait]
impl Provisioner for Distant {
    type User = User;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<User>, ProvisionError> {
        let answer = self.0.provision(identity).await;
        if !self.1.is_zero() {
            sleep(self.1).await;
        }
        answer
    }
}

type Users = CachedProvisioner<Distant>;

struct Replica {
    app: App<Users>,
    users: Users,
}

impl Replica {
    async fn start(
        db: DatabaseConnection,
        bus: &str,
        verifier: &JwtVerifier,
        ttl: Duration,
        lag: Duration,
    ) -> Self {
        let bus = PostgresBus::connect(bus).await.expect("a bus");
        let users = SeaOrmProvisioner::new(db).with_publisher(PostgresPublisher::default());
        let users = CachedProvisioner::new(Distant(users, lag)).with_ttl(ttl);
        users.listen(bus);
        Self {
            app: App::before(verifier.clone(), users.clone()),
            users,
        }
    }
}

/// With the bus. The TTL is long, so that only the bus can cause the refusal.
pub(crate) async fn with_bus(is_long: bool) -> Figures {
    run(if is_long { 500 } else { 40 }, false).await
}

/// With the bus cut: its connections stay open, but nothing is forwarded.
pub(crate) async fn with_bus_cut(is_long: bool) -> Figures {
    run(if is_long { 60 } else { 6 }, true).await
}

async fn run(rounds: usize, is_cut: bool) -> Figures {
    let backend = Backend::postgres().expect("a server");
    let store = TestDatabase::create(&backend, true)
        .await
        .expect("a database");
    let line = BusConnection::open(&store.url()).await;
    let (issuer, verifier) = people::issuer();
    let (ttl, lag) = match is_cut {
        true => (TTL, LAG),
        false => (Duration::from_secs(3600), Duration::ZERO),
    };
    let mut replicas = Vec::new();
    for _ in 0..REPLICAS {
        let db = store.connect(4).await.expect("a pool");
        replicas.push(Replica::start(db, &line.url, &verifier, ttl, lag).await);
    }
    line.is_cut.send_replace(is_cut);

    let mut spans = Vec::new();
    let mut tally = Tally::default();
    for person in 0..rounds {
        let token: Arc<str> = mint(&issuer, person).into();
        let identity = verifier.verify(&token).await.expect("an identity");
        let mut id = None;
        for replica in &replicas {
            let answer = replica.app.call(&token).await;
            assert!(answer.is_for(&subject(person)), "{answer:?}");
            id = answer.user;
        }
        let done = Arc::new(OnceLock::new());
        let mut callers = JoinSet::new();
        for replica in &replicas {
            let (app, token, done) = (replica.app.clone(), Arc::clone(&token), Arc::clone(&done));
            callers.spawn(async move { call_until_refused(app, &token, &done).await });
        }
        if is_cut {
            // Every replica starts a read now and gets the row after the deactivation.
            for replica in &replicas {
                replica.users.invalidate_all();
            }
        }
        sleep(Duration::from_millis(30)).await;
        let id = id.expect("a user").parse().expect("an id");
        let users = &replicas[person % REPLICAS].users;
        let directory = users.provisioner().0.directory();
        let report = directory.deactivate(&[id], "left").await.expect("a change");
        done.set(Instant::now()).expect("one deactivation");
        users.invalidate(identity.key());
        assert_eq!(report.changed(), 1);
        for caller in callers.join_all().await {
            spans.push(caller.longest);
            tally.let_in += caller.let_in;
            tally.back += caller.back;
            tally.wrong += caller.wrong;
        }
    }
    drop(replicas);
    store.destroy().await.expect("a database to drop");

    spans.sort_unstable();
    let p99 = spans[(spans.len() * 99).div_ceil(100) - 1];
    let longest = spans[spans.len() - 1];
    let mut figures = Figures::default();
    figures.add("deactivations", rounds);
    figures.add("served meanwhile", tally.let_in);
    figures.must("served again once refused", tally.back, tally.back == 0);
    figures.must("any other answer", tally.wrong, tally.wrong == 0);
    figures.add("median until refused, ms", millis(spans[spans.len() / 2]));
    if is_cut {
        figures.add("p99 until refused, ms", millis(p99));
        // Only the TTL ends the entry at the replicas other than the one that deactivated the user.
        let is_ttl = (TTL / 2..=TTL).contains(&longest);
        figures.must("longest until refused, ms", millis(longest), is_ttl);
        figures.add("the cache's TTL, ms", millis(TTL));
    } else {
        figures.must("p99 until refused, ms", millis(p99), p99 < PROPAGATION);
        figures.add("longest until refused, ms", millis(longest));
    }
    figures
}

/// Results of the callers of one replica.
#[derive(Default)]
struct Tally {
    let_in: usize,
    /// Served after having been refused.
    back: usize,
    wrong: usize,
    /// Time from the deactivation to the start of the last served request.
    longest: Duration,
}

/// Calls at full speed until the user has been refused for a while.
async fn call_until_refused(app: App<Users>, token: &str, done: &OnceLock<Instant>) -> Tally {
    let mut tally = Tally::default();
    let mut refused = 0;
    while refused < 50 {
        let began = Instant::now();
        let answer = app.call(token).await;
        match answer.status.as_u16() {
            200 => {
                tally.let_in += 1;
                tally.back += usize::from(refused > 0);
                let since = done
                    .get()
                    .map(|done| began.saturating_duration_since(*done));
                tally.longest = tally.longest.max(since.unwrap_or_default());
            }
            // The tokens are revoked, or the user is refused.
            401 | 403 => refused += 1,
            _ => tally.wrong += 1,
        }
        tokio::task::yield_now().await;
    }
    tally
}

/// The connection between the replicas and the server, for the bus.
struct BusConnection {
    url: String,
    is_cut: watch::Sender<bool>,
}

impl BusConnection {
    async fn open(url: &str) -> Self {
        let mut url = Url::parse(url).expect("a URL");
        let host = url.host_str().unwrap_or("127.0.0.1").to_owned();
        let server = (host, url.port().unwrap_or(5432));
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let port = listener.local_addr().expect("an address").port();
        url.set_host(Some("127.0.0.1")).expect("a host");
        url.set_port(Some(port)).expect("a port");
        let (is_cut, cut) = watch::channel(false);
        tokio::spawn(async move {
            while let Ok((client, _)) = listener.accept().await {
                let Ok(server) = TcpStream::connect(server.clone()).await else {
                    continue;
                };
                let ((from_client, to_client), (from_server, to_server)) =
                    (client.into_split(), server.into_split());
                tokio::spawn(pass(from_client, to_server, cut.clone()));
                tokio::spawn(pass(from_server, to_client, cut.clone()));
            }
        });
        Self {
            url: url.into(),
            is_cut,
        }
    }
}

/// Forwards events; while the connection is cut, they are lost without notice.
async fn pass(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    cut: watch::Receiver<bool>,
) {
    let mut buffer = [0; 4096];
    while let Ok(count @ 1..) = from.read(&mut buffer).await {
        let is_cut = *cut.borrow();
        if !is_cut && to.write_all(&buffer[..count]).await.is_err() {
            return;
        }
    }
}

fn millis(duration: Duration) -> String {
    format!("{:.1}", duration.as_secs_f64() * 1000.0)
}
