//! A soak test: random requests and faults for a configurable time, and a checker that knows the
//! expected response to each request.
//!
//! People send tokens of every age, are deactivated, and send invalid tokens. Meanwhile the
//! database is disconnected, killed and exhausted, the issuer has every fault and rotates its keys,
//! and the clock jumps. The checker uses neither verifier nor cache: it tracks dates, keys, clock
//! and people itself, and allows two responses only if a relevant state changed during the request.
//!
//! The load is limited to a fraction of a core: leaks need time to show, not speed.

mod caller;
mod clock;
mod crowd;
mod database;
mod expected;
mod keys;
mod tally;
mod token;

use std::{
    collections::VecDeque,
    fs, panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use cpu_time::ProcessTime;
use sea_orm::Database;
use tokio::{task::JoinSet, time::sleep};
use tower_jit_provisioning::{
    CachedProvisioner,
    bus::{PostgresBus, PostgresPublisher},
    sea_orm::SeaOrmProvisioner,
    testing::TestIssuer,
};

use self::{
    clock::JumpingClock, crowd::Crowd, database::FaultWindow, keys::Keys, tally::Tally,
    token::Token,
};
use crate::{
    app::App,
    common::{
        database::{Backend, TestDatabase},
        rows::Rows,
    },
    figures::Figures,
    memory,
    private_server::{self, PrivateServer},
};

const CALLERS: usize = 16;

const CONNECTIONS: u32 = 8;

/// Growth in file handles that is not a leak, as connections open and close.
const HANDLES: usize = 4;

/// The delay that a busy machine adds to a wait.
const SLACK: Duration = Duration::from_secs(1);

type Users = CachedProvisioner<SeaOrmProvisioner>;

struct Soak {
    app: App<Users>,
    users: Users,
    keys: Keys,
    clock: JumpingClock,
    crowd: Crowd,
    fault_window: FaultWindow,
    stranger: TestIssuer,
    minted: Mutex<VecDeque<Arc<Token>>>,
    tally: Tally,
    is_over: AtomicBool,
}

pub(crate) async fn run(is_long: bool) -> Figures {
    let lasts = Duration::from_secs(if is_long { 30 * 60 } else { 20 });
    let mut server = PrivateServer::start(private_server::postgres().expect("a server"));
    let store = TestDatabase::create(&Backend::Postgres(server.url()), true).await;
    let store = store.expect("a database");
    let mut options = store.options();
    options
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(1));
    let db = Database::connect(options).await.expect("a pool");
    let bus = PostgresBus::connect(store.url()).await.expect("a bus");
    let users = SeaOrmProvisioner::new(db.clone()).with_publisher(PostgresPublisher::default());
    let users = CachedProvisioner::new(users.with_max_writes(4)).with_ttl(Duration::from_secs(2));
    users.listen(bus);
    let soak = Soak::start(users).await;
    let panics = count_panics();
    let (started, used) = (Instant::now(), ProcessTime::now());
    let (callers, troubles) = (soak.callers(), soak.troubles());

    let mut samples = Vec::new();
    while started.elapsed() < lasts {
        sleep(Duration::from_millis(1500)).await;
        soak.fault_window.fault(&mut server, &store, &db).await;
        // Recovered, and warm again.
        sleep(Duration::from_secs(2)).await;
        samples.push((memory::resident(), handles()));
    }
    soak.is_over.store(true, Ordering::SeqCst);
    callers.join_all().await;
    drop(troubles);
    let (lasted, used) = (started.elapsed(), used.elapsed());
    drop(panic::take_hook());
    let panics = panics.load(Ordering::SeqCst);

    let rows = store.rows().await;
    let destroyed = store.destroy().await;
    destroyed.expect("a database to drop");
    let mut figures = Figures::default();
    soak.tally.report(lasted, &mut figures);
    figures.must("panics", panics, panics == 0);
    soak.report_troubles(&mut figures);
    soak.report_people(&rows, &mut figures);
    let cores = used.as_secs_f64() / lasted.as_secs_f64();
    figures.add("cores in use, on average", format!("{cores:.2}"));
    report_growth(&samples, &mut figures);
    figures
}

impl Soak {
    async fn start(users: Users) -> Arc<Self> {
        let (keys, clock) = (Keys::new(), JumpingClock::new());
        let verifier = keys.verifier().with_clock(clock.clock());
        let verifier = verifier.with_cache_capacity(2 * 1024 * 1024);
        verifier.ready().await.expect("keys");
        Arc::new(Self {
            app: App::before(verifier, users.clone()),
            users,
            keys,
            clock,
            crowd: Crowd::default(),
            fault_window: FaultWindow::new(),
            stranger: TestIssuer::new("https://stranger.example.com"),
            minted: Mutex::default(),
            tally: Tally::default(),
            is_over: AtomicBool::new(false),
        })
    }

    /// Starts the callers, which run until the end.
    fn callers(self: &Arc<Self>) -> JoinSet<()> {
        let mut callers = JoinSet::new();
        for _ in 0..CALLERS {
            let soak = Arc::clone(self);
            callers.spawn(async move { soak.call().await });
        }
        let soak = Arc::clone(self);
        callers.spawn(async move {
            while !soak.is_over.load(Ordering::SeqCst) {
                soak.call_without_keys().await;
            }
        });
        callers
    }

    /// Starts the faults outside the database, which run without end.
    fn troubles(self: &Arc<Self>) -> JoinSet<()> {
        let mut troubles = JoinSet::new();
        let soak = Arc::clone(self);
        troubles.spawn(async move {
            loop {
                soak.clock.jump().await;
            }
        });
        let soak = Arc::clone(self);
        troubles.spawn(async move {
            loop {
                soak.keys.rotate().await;
            }
        });
        let soak = Arc::clone(self);
        troubles.spawn(async move {
            loop {
                soak.keys.fail().await;
            }
        });
        troubles
    }

    fn report_troubles(&self, figures: &mut Figures) {
        for (name, count) in [
            ("faults of the database", self.fault_window.faults()),
            ("faults of the issuer", self.keys.faults()),
            ("rotations", self.keys.rotations()),
            ("jumps of the clock", self.clock.jumps()),
        ] {
            figures.must(name, count, count > 0);
        }
        let slowest = self.tally.slowest();
        figures.must(
            "longest wait for keys, ms",
            slowest.as_millis(),
            slowest <= keys::WAIT + SLACK,
        );
    }

    fn report_people(&self, rows: &Rows, figures: &mut Figures) {
        let created = rows.events.iter().filter(|row| row.event == "created");
        let counts = [rows.users.len(), rows.identities.len(), created.count()];
        figures.add("people", counts[0]);
        let is_one_each = counts.iter().all(|count| *count == counts[0]);
        let name = "users, identities, `created` events alike";
        figures.must(name, is_one_each, is_one_each);
        let real: Vec<_> = rows.users.iter().map(|user| user.id.to_string()).collect();
        let seen = self.crowd.ids();
        let lost = seen.iter().filter(|id| !real.contains(id)).count();
        figures.must("users reported but not stored", lost, lost == 0);
    }
}

fn count_panics() -> Arc<AtomicUsize> {
    let panics = Arc::new(AtomicUsize::new(0));
    let (counted, before) = (Arc::clone(&panics), panic::take_hook());
    panic::set_hook(Box::new(move |panic| {
        counted.fetch_add(1, Ordering::SeqCst);
        before(panic);
    }));
    panics
}

/// Reports the maximum memory and the typical number of file handles. After the first third of the
/// run, all caches are warm.
fn report_growth(samples: &[(u64, usize)], figures: &mut Figures) {
    let (early, late) = samples.split_at((samples.len() / 3).max(1));
    let highest = |of: &[(u64, usize)]| of.iter().map(|sample| sample.0).max().unwrap_or_default();
    let usual = |of: &[(u64, usize)]| {
        let mut handles: Vec<_> = of.iter().map(|sample| sample.1).collect();
        handles.sort_unstable();
        handles.get(handles.len() / 2).copied().unwrap_or_default()
    };
    let growth = highest(late).saturating_sub(highest(early)) / (1024 * 1024);
    let resident = highest(early) / (1024 * 1024);
    figures.add("resident in the first third, MiB", resident);
    figures.must("growth after the first third, MiB", growth, growth <= 32);
    figures.add("file handles in the first third", usual(early));
    let handles = usual(late).saturating_sub(usual(early));
    let name = "file handles more than in the first third";
    figures.must(name, handles, handles <= HANDLES);
}

/// Returns the number of file handles of this process.
fn handles() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
