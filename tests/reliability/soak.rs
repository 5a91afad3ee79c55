//! Everything at random, for as long as it takes: good and bad tokens, newcomers and leavers, a
//! database that is cut off, killed and exhausted, and a checker that knows what every answer must be.

use std::{
    collections::HashMap,
    fs, panic,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{Database, DatabaseConnection};
use tokio::{
    task::{JoinSet, block_in_place, yield_now},
    time::sleep,
};
use tower_jit_provisioning::{
    CachedProvisioner, ErrorKind,
    sea_orm::{PostgresBus, SeaOrmProvisioner},
    testing::TestIssuer,
};

use crate::{
    database_faults::{cut_connections, exhaust},
    door::{AUDIENCE, Door},
    figures::Figures,
    fixture::{Backend, Store},
    memory,
    people::{self, mint, subject},
    private_server::{self, PrivateServer},
    random,
};

const CALLERS: usize = 4;

const CONNECTIONS: u32 = 8;

/// How long after a fault somebody may still be asked to come back.
const RECOVERY: Duration = Duration::from_secs(5);

/// People stop coming at this number: what grows after that is a leak.
const PEOPLE: usize = 5_000;

type Users = CachedProvisioner<SeaOrmProvisioner>;

/// What the checker knows of somebody.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Standing {
    Active,
    Deactivated,
    /// Somebody is about to deactivate him, or nobody knows whether that succeeded.
    Unclear,
}

struct Soak {
    door: Door<Users>,
    users: Users,
    issuer: TestIssuer,
    stranger: TestIssuer,
    standings: Mutex<Vec<Standing>>,
    ids: Mutex<HashMap<usize, String>>,
    /// Until when 503 is a right answer.
    excused_until: Mutex<Instant>,
    is_over: AtomicBool,
    counts: [AtomicUsize; 5],
    wrong: Mutex<Vec<String>>,
}

const COUNTS: [&str; 5] = [
    "let in",
    "refused as deactivated",
    "refused for the token",
    "503 with `Retry-After` in or after a fault",
    "while the standing changed",
];

pub(crate) async fn run(is_long: bool) -> Figures {
    let lasts = Duration::from_secs(if is_long { 30 * 60 } else { 20 });
    let mut server = PrivateServer::start(private_server::postgres().expect("a server"));
    let store = Store::create(&Backend::Postgres(server.url()), true).await;
    let store = store.expect("a database");
    let mut options = store.options();
    options
        .max_connections(CONNECTIONS)
        .acquire_timeout(Duration::from_secs(1));
    let db = Database::connect(options).await.expect("a pool");
    let (issuer, verifier) = people::issuer();
    let bus = PostgresBus::connect(store.url()).await.expect("a bus");
    let users = SeaOrmProvisioner::new(db.clone()).with_publisher(bus.publisher());
    let users = CachedProvisioner::new(users.with_max_writes(4)).with_ttl(Duration::from_secs(2));
    users.listen(bus);
    let soak = Arc::new(Soak {
        door: Door::before(verifier.with_cache_capacity(2 * 1024 * 1024), users.clone()),
        users,
        issuer,
        stranger: TestIssuer::new("https://stranger.example.com"),
        standings: Mutex::default(),
        ids: Mutex::default(),
        excused_until: Mutex::new(Instant::now()),
        is_over: AtomicBool::new(false),
        counts: Default::default(),
        wrong: Mutex::default(),
    });
    let panics = Arc::new(AtomicUsize::new(0));
    let (counted, before) = (Arc::clone(&panics), panic::take_hook());
    panic::set_hook(Box::new(move |panic| {
        counted.fetch_add(1, Ordering::SeqCst);
        before(panic);
    }));
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let soak = Arc::clone(&soak);
        callers.spawn(async move {
            while !soak.is_over.load(Ordering::SeqCst) {
                soak.step().await;
                yield_now().await;
            }
        });
    }

    let started = Instant::now();
    let mut faults = 0;
    let mut samples = Vec::new();
    while started.elapsed() < lasts {
        sleep(Duration::from_millis(1500)).await;
        soak.fault(&mut server, &store, &db, faults).await;
        faults += 1;
        // Recovered, and warm again.
        sleep(Duration::from_secs(2)).await;
        samples.push((memory::resident(), handles()));
    }
    soak.is_over.store(true, Ordering::SeqCst);
    callers.join_all().await;
    drop(panic::take_hook());
    let panics = panics.load(Ordering::SeqCst);

    let rows = store.rows().await;
    let destroyed = store.destroy().await;
    destroyed.expect("a database to drop");
    let mut figures = Figures::default();
    figures.add("faults of the database", faults);
    for (name, count) in COUNTS.iter().zip(&soak.counts) {
        figures.add(name, count.load(Ordering::SeqCst));
    }
    let wrong = soak.wrong.lock().expect("answers");
    if let Some(first) = wrong.first() {
        println!("first wrong answer: {first}");
    }
    figures.must("wrong answers", wrong.len(), wrong.is_empty());
    figures.must("panics", panics, panics == 0);
    let created = rows.events.iter().filter(|row| row.event == "created");
    let counts = [rows.users.len(), rows.identities.len(), created.count()];
    figures.add("people", counts[0]);
    let is_one_each = counts.iter().all(|count| *count == counts[0]);
    let name = "users, identities, `created` events alike";
    figures.must(name, is_one_each, is_one_each);
    let ids = soak.ids.lock().expect("ids");
    let real: Vec<_> = rows.users.iter().map(|user| user.id.to_string()).collect();
    let lost = ids.values().filter(|id| !real.contains(id)).count();
    figures.must("users told of and not there", lost, lost == 0);
    // From a third on, everything is warm.
    let (early, late) = samples.split_at((samples.len() / 3).max(1));
    let most = |of: &[(u64, usize)]| {
        let memory = of.iter().map(|sample| sample.0).max();
        let handles = of.iter().map(|sample| sample.1).max();
        (memory.unwrap_or_default(), handles.unwrap_or_default())
    };
    let (early, late) = (most(early), most(late));
    let growth = late.0.saturating_sub(early.0) / (1024 * 1024);
    figures.must("growth after the first third, MiB", growth, growth <= 32);
    let handles = late.1.saturating_sub(early.1);
    let name = "file handles more than in the first third";
    figures.must(name, handles, handles <= CONNECTIONS as usize);
    figures
}

impl Soak {
    /// One call, of whatever kind.
    async fn step(&self) {
        let known = self.standings.lock().expect("standings").len();
        match random(20) {
            0 if known < PEOPLE => {
                let person = {
                    let mut standings = self.standings.lock().expect("standings");
                    standings.push(Standing::Active);
                    standings.len() - 1
                };
                self.good(person).await;
            }
            1..4 => self.bad(random(5)).await,
            4 if random(20) == 0 && known > 50 => self.deactivate(random(known)).await,
            _ if known > 0 => self.good(random(known)).await,
            _ => {}
        }
    }

    fn standing(&self, person: usize) -> Standing {
        self.standings.lock().expect("standings")[person]
    }

    fn count(&self, kind: usize) {
        self.counts[kind].fetch_add(1, Ordering::SeqCst);
    }

    async fn good(&self, person: usize) {
        let (before, began) = (self.standing(person), Instant::now());
        let answer = self.door.call(&mint(&self.issuer, person)).await;
        let is_settled = before == self.standing(person) && before != Standing::Unclear;
        let is_right = match answer.status.as_u16() {
            200 => {
                let mut ids = self.ids.lock().expect("ids");
                let user = answer.user.clone().unwrap_or_default();
                let same = *ids.entry(person).or_insert_with(|| user.clone()) == user;
                let may_pass = !is_settled || before == Standing::Active;
                self.count(if is_settled { 0 } else { 4 });
                same && may_pass && answer.is_for(&subject(person))
            }
            // Void tokens, or he himself.
            401 | 403 => {
                self.count(if is_settled { 1 } else { 4 });
                !is_settled || before == Standing::Deactivated
            }
            _ => {
                self.count(3);
                let excused_until = *self.excused_until.lock().expect("an instant");
                answer.is_unavailable() && began < excused_until
            }
        };
        if !is_right {
            let wrong = format!("{person} {before:?}: {answer:?}");
            self.wrong.lock().expect("answers").push(wrong);
        }
    }

    /// A token that is worth nothing, whatever the database does.
    async fn bad(&self, kind: usize) {
        let token = self.issuer.token("eve").audience(AUDIENCE);
        let token = match kind {
            0 => token.expired_for(Duration::from_secs(3600)).sign(),
            1 => token.audience("another-api").sign(),
            2 => self.stranger.token("eve").audience(AUDIENCE).sign(),
            3 => {
                let token = token.sign();
                let (message, _) = token.rsplit_once('.').expect("a token");
                format!("{message}.{:0>43}", random(1_000_000))
            }
            _ => format!("{:x}.{:x}.x", random(1_000_000), random(1_000_000)),
        };
        let answer = self.door.call(&token).await;
        self.count(2);
        if answer.kind != Some(ErrorKind::InvalidToken) || answer.status != 401 {
            let wrong = format!("bad token {kind}: {answer:?}");
            self.wrong.lock().expect("answers").push(wrong);
        }
    }

    async fn deactivate(&self, person: usize) {
        let id = self.ids.lock().expect("ids").get(&person).cloned();
        let Some(id) = id.and_then(|id| id.parse().ok()) else {
            return;
        };
        {
            let mut standings = self.standings.lock().expect("standings");
            if standings[person] != Standing::Active {
                return;
            }
            standings[person] = Standing::Unclear;
        }
        let report = self.users.directory().deactivate(&[id], "left").await;
        if report.is_ok_and(|report| report.changed() == 1) {
            self.standings.lock().expect("standings")[person] = Standing::Deactivated;
        }
    }

    /// Breaks something of the database's, and mends it.
    async fn fault(
        &self,
        server: &mut PrivateServer,
        store: &Store,
        db: &DatabaseConnection,
        number: usize,
    ) {
        let far = Instant::now() + Duration::from_secs(3600);
        *self.excused_until.lock().expect("an instant") = far;
        match number % 3 {
            0 => cut_connections(store).await,
            1 => {
                block_in_place(|| server.kill());
                sleep(Duration::from_millis(500)).await;
                block_in_place(|| server.restart());
                while store.connect(1).await.is_err() {}
            }
            _ => exhaust(db).await,
        }
        *self.excused_until.lock().expect("an instant") = Instant::now() + RECOVERY;
    }
}

/// How many file handles this process has.
fn handles() -> usize {
    fs::read_dir("/proc/self/fd").map_or(0, Iterator::count)
}
