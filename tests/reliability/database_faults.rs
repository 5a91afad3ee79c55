//! The database fails under load: requests that it cannot serve get 503, and no user is served
//! wrongly, created twice or created partially.

use std::{
    collections::HashMap,
    sync::{
        Arc, Mutex,
        atomic::{AtomicBool, AtomicUsize, Ordering},
    },
    time::{Duration, Instant},
};

use sea_orm::{ConnectionTrait, Database, DatabaseConnection, Statement, TransactionTrait};
use tokio::{
    task::{JoinSet, block_in_place},
    time::{sleep, timeout},
};
use tower_jit_provisioning::{sea_orm::SeaOrmProvisioner, testing::TestIssuer};

use crate::{
    app::App,
    common::database::{Backend, TestDatabase},
    figures::Figures,
    people::{self, mint, subject},
    private_server::{self, PrivateServer},
    random,
};

const CALLERS: usize = 6;

const CONNECTIONS: u32 = 8;

/// Number of requests served before a fault.
const SERVED: usize = 200;

/// Upper limit for serving them on a loaded machine.
const PATIENCE: Duration = Duration::from_secs(20);

/// Duration of a fault: longer than a request waits for a connection.
const OUTAGE: Duration = Duration::from_secs(2);

/// Upper limit until every request is served again.
const RECOVERY: Duration = Duration::from_secs(5);

/// Duration without any 503 after which a fault counts as over.
const CALM: Duration = Duration::from_millis(1500);

pub(crate) async fn on_postgres(is_long: bool) -> Figures {
    let server = PrivateServer::start(private_server::postgres().expect("a server"));
    let backend = Backend::Postgres(server.url());
    run(&backend, Some(server), is_long).await
}

pub(crate) async fn on_mysql(is_long: bool) -> Figures {
    let server = PrivateServer::start(private_server::mysql().expect("a server"));
    let backend = Backend::Mysql(server.url());
    run(&backend, Some(server), is_long).await
}

pub(crate) async fn on_sqlite(is_long: bool) -> Figures {
    run(&Backend::Sqlite, None, is_long).await
}

async fn run(backend: &Backend, mut server: Option<PrivateServer>, is_long: bool) -> Figures {
    let store = TestDatabase::create(backend, true)
        .await
        .expect("a database");
    let mut options = store.options();
    options
        .max_connections(match backend {
            Backend::Mysql(_) | Backend::Postgres(_) => CONNECTIONS,
            // A setting of a SQLite connection applies to that connection only.
            Backend::Sqlite => 1,
        })
        .acquire_timeout(Duration::from_secs(1));
    let db = Database::connect(options).await.expect("a pool");
    let (issuer, verifier) = people::issuer();
    let users = SeaOrmProvisioner::new(db.clone()).with_max_writes(4);
    let load = Arc::new(Load {
        app: App::before(verifier, users),
        issuer,
        people: AtomicUsize::new(1),
        users: Mutex::default(),
        is_over: AtomicBool::new(false),
        seen: Mutex::default(),
    });
    let mut callers = JoinSet::new();
    for _ in 0..CALLERS {
        let load = Arc::clone(&load);
        callers.spawn(async move { load.run().await });
    }

    let mut figures = Figures::default();
    for _ in 0..if is_long { 10 } else { 1 } {
        match (backend, &mut server) {
            (Backend::Sqlite, _) | (_, None) => {
                load.quiet().await;
                fill_the_disk(&db, true).await;
                sleep(OUTAGE).await;
                fill_the_disk(&db, false).await;
                load.recovers("disk full", &mut figures).await;
            }
            (_, Some(server)) => {
                load.quiet().await;
                for _ in 0..10 {
                    cut_connections(&store).await;
                    sleep(Duration::from_millis(100)).await;
                }
                load.recovers("connections cut", &mut figures).await;
                load.quiet().await;
                block_in_place(|| server.kill());
                sleep(OUTAGE).await;
                block_in_place(|| server.restart());
                // The server accepts connections again once it has recovered its log.
                while store.connect(1).await.is_err() {}
                load.recovers("server killed", &mut figures).await;
            }
        }
        load.quiet().await;
        exhaust(&db).await;
        load.recovers("pool exhausted", &mut figures).await;
    }
    load.is_over.store(true, Ordering::SeqCst);
    callers.join_all().await;

    // New people whose request got 503 retry it.
    let people = load.people.load(Ordering::SeqCst);
    for person in 0..people {
        load.call(person).await;
    }
    let rows = store.rows().await;
    store.destroy().await.expect("a database to drop");
    let seen = load.seen.lock().expect("a tally");
    figures.add("people", people);
    figures.add("let in", seen.let_in);
    figures.add("503 with `Retry-After`", seen.unavailable);
    let slowest = seen.slowest.as_secs_f64();
    figures.add("slowest answer, s", format!("{slowest:.2}"));
    let wrong = seen.wrong.len();
    figures.must("any other answer", wrong, wrong == 0);
    let others = seen.others;
    figures.must("served as another user than before", others, others == 0);
    let users = load.users.lock().expect("users");
    let real = rows.users.iter().map(|user| (user.id.to_string(), user));
    let real: HashMap<_, _> = real.collect();
    let lost = users.values().filter(|id| !real.contains_key(*id)).count();
    figures.must("users reported but not stored", lost, lost == 0);
    let half = rows.users.iter().filter(|user| user.full_name.is_none());
    let half = half.count();
    figures.must("partial users", half, half == 0);
    let counts = [rows.users.len(), rows.identities.len(), rows.events.len()];
    let name = "users, identities, events beyond one a person";
    let beyond = counts.iter().map(|count| count.abs_diff(people));
    let beyond: usize = beyond.sum();
    figures.must(name, beyond, beyond == 0);
    if let Some(first) = seen.wrong.first() {
        figures.add("first wrong answer", first);
    }
    if beyond > 0 {
        println!("last 503: {:?}", seen.why);
        return figures;
    }
    rows.assert_created(people);
    figures
}

/// Callers that send requests without a pause.
struct Load {
    app: App<SeaOrmProvisioner>,
    issuer: TestIssuer,
    people: AtomicUsize,
    /// The id of each person's user, since their first response.
    users: Mutex<HashMap<usize, String>>,
    is_over: AtomicBool,
    seen: Mutex<Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    let_in: usize,
    unavailable: usize,
    others: usize,
    wrong: Vec<String>,
    slowest: Duration,
    last_unavailable: Option<Instant>,
    why: Option<String>,
    last_let_in: Option<Instant>,
}

impl Load {
    async fn run(&self) {
        while !self.is_over.load(Ordering::SeqCst) {
            let person = match random(4) {
                0 => self.people.fetch_add(1, Ordering::SeqCst),
                _ => random(self.people.load(Ordering::SeqCst)),
            };
            self.call(person).await;
            tokio::task::yield_now().await;
        }
    }

    async fn call(&self, person: usize) {
        let answer = self.app.call(&mint(&self.issuer, person)).await;
        let mut seen = self.seen.lock().expect("a tally");
        seen.slowest = seen.slowest.max(answer.took);
        if answer.is_unavailable() {
            seen.unavailable += 1;
            seen.last_unavailable = Some(Instant::now());
            seen.why = answer.why;
            return;
        }
        if !answer.is_for(&subject(person)) {
            seen.wrong.push(format!("{answer:?}"));
            return;
        }
        seen.let_in += 1;
        seen.last_let_in = Some(Instant::now());
        let user = answer.user.unwrap_or_default();
        let mut users = self.users.lock().expect("users");
        let before = users.entry(person).or_insert_with(|| user.clone());
        seen.others += usize::from(*before != user);
    }

    /// Waits without a fault until enough requests are served.
    async fn quiet(&self) {
        let let_in = || self.seen.lock().expect("a tally").let_in;
        let goal = let_in() + SERVED;
        let served = async {
            while let_in() < goal {
                sleep(Duration::from_millis(5)).await;
            }
        };
        let in_time = timeout(PATIENCE, served).await;
        let seen = &self.seen;
        assert!(in_time.is_ok(), "no load before the fault: {seen:?}");
    }

    /// Returns the time from the fault to the last request with 503.
    async fn recovers(&self, fault: &str, figures: &mut Figures) {
        let healed = Instant::now();
        let unavailable = self.seen.lock().expect("a tally").unavailable;
        figures.add(&format!("{fault}: 503 until then"), unavailable);
        let last = || {
            let last = self.seen.lock().expect("a tally").last_unavailable;
            last.map_or(healed, |last| last.max(healed))
        };
        while healed.elapsed() < RECOVERY + CALM && last().elapsed() < CALM {
            sleep(Duration::from_millis(20)).await;
        }
        let took = last() - healed;
        let seen = self.seen.lock().expect("a tally");
        let name = format!("{fault}: last 503 after it was over, s");
        let is_served = seen.last_let_in > Some(healed + took);
        let seconds = format!("{:.2}", took.as_secs_f64());
        figures.must(&name, seconds, is_served && took <= RECOVERY);
    }
}

/// Limits the database to its current pages, or removes the limit.
async fn fill_the_disk(db: &DatabaseConnection, is_full: bool) {
    let pages = match is_full {
        false => i64::from(i32::MAX),
        true => {
            let backend = db.get_database_backend();
            let count = Statement::from_string(backend, "PRAGMA page_count");
            let row = db.query_one_raw(count).await.expect("an answer");
            let row = row.expect("a count");
            row.try_get_by_index(0).expect("a number")
        }
    };
    let limit = format!("PRAGMA max_page_count = {pages}");
    db.execute_unprepared(&limit).await.expect("a limit");
}

/// Terminates every other connection to the database, even in the middle of a statement.
pub(crate) async fn cut_connections(store: &TestDatabase) {
    let cut = match store.backend {
        Backend::Mysql(_) => {
            "SELECT id FROM information_schema.processlist \
             WHERE db = DATABASE() AND id <> CONNECTION_ID()"
        }
        Backend::Postgres(_) | Backend::Sqlite => {
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE datname = current_database() AND pid <> pg_backend_pid()"
        }
    };
    let backend = store.db.get_database_backend();
    let cut = Statement::from_string(backend, cut);
    let rows = store.db.query_all_raw(cut).await.expect("connections");
    if let Backend::Mysql(_) = store.backend {
        for row in rows {
            let id: i64 = row.try_get_by_index(0).expect("a connection");
            // The connection may be closed already.
            let _ = store.db.execute_unprepared(&format!("KILL {id}")).await;
        }
    }
}

/// Takes every connection of the pool, and holds them for a while.
pub(crate) async fn exhaust(db: &DatabaseConnection) {
    let mut held = Vec::new();
    let size = match db.get_database_backend() {
        sea_orm::DbBackend::Sqlite => 1,
        _ => CONNECTIONS,
    };
    while held.len() < size as usize {
        // Waits for a connection like any other request.
        if let Ok(transaction) = db.begin().await {
            held.push(transaction);
        }
    }
    sleep(OUTAGE).await;
    for transaction in held {
        transaction.rollback().await.expect("a rollback");
    }
}
