//! Three processes on one database, of which one is killed: the processes of the storm, with more
//! people, who arrive in random order.

use std::{
    collections::VecDeque,
    error::Error,
    sync::Mutex,
    thread,
    time::{Duration, Instant},
};

use crate::{
    common::database::{Backend, TestDatabase},
    figures::Figures,
    storm::{child::Child, people::Arrival, report::Report, verdict},
};

const PROCESSES: usize = 3;

/// Number of first requests of each person; every other one may be cancelled.
const VISITS: usize = 10;

/// Number of callers that a process serves concurrently.
const BATCH: usize = 200;

pub(crate) async fn on_postgres(is_long: bool) -> Figures {
    run(&Backend::postgres().expect("a server"), is_long).await
}

pub(crate) async fn on_mysql(is_long: bool) -> Figures {
    run(&Backend::mysql().expect("a server"), is_long).await
}

pub(crate) async fn on_sqlite(is_long: bool) -> Figures {
    run(&Backend::Sqlite, is_long).await
}

async fn run(backend: &Backend, is_long: bool) -> Figures {
    let people = if is_long { 5_000 } else { 300 };
    let store = TestDatabase::create(backend, true)
        .await
        .expect("a database");
    let url = store.url();
    let started = Instant::now();
    let storm = move || storm(&url, people).map_err(|error| error.to_string());
    let stormed = tokio::task::spawn_blocking(storm).await;
    let took = started.elapsed();
    let rows = store.rows().await;
    store.destroy().await.expect("a database to drop");
    let (reports, killed) = stormed.expect("a storm").expect("processes");

    let sum = |of: fn(&Report) -> usize| reports.iter().map(of).sum::<usize>();
    let (calls, errors) = (sum(|it| it.calls), sum(|it| it.errors.len()));
    let created = rows.events.iter().filter(|row| row.event == "created");
    let created = created.count();
    let mut figures = Figures::default();
    figures.must("first logins", calls, calls == people * VISITS);
    figures.add("people", people);
    figures.add("callers who hung up", sum(|it| it.hung_up));
    let name = "calls cut off with the killed process";
    figures.must(name, killed, killed > 0);
    figures.must("errors", errors, errors == 0);
    let users = rows.users.len();
    figures.must("users", users, users == people);
    let identities = rows.identities.len();
    figures.must("identities", identities, identities == people);
    figures.must("`created` events", created, created == people);
    figures.add("reported `created`", sum(|it| it.created.len()));
    figures.add(
        "lost races, as failed statements",
        sum(|it| it.failed_statements),
    );
    let rate = calls as f64 / took.as_secs_f64();
    figures.add("logins a second", format!("{rate:.0}"));
    verdict::assert_consistent(&reports, &rows, people);
    figures
}

/// Sends every person's requests through one of the processes, and kills one process half way.
fn storm(url: &str, people: usize) -> Result<(Vec<Report>, usize), Box<dyn Error>> {
    let visits = (0..people * VISITS).map(|visit| Arrival {
        person: visit % people,
        hangs_up: (visit / people).is_multiple_of(2),
    });
    let mut visits: Vec<_> = visits.collect();
    shuffle(&mut visits);
    let batches: VecDeque<_> = visits.chunks(BATCH).map(<[Arrival]>::to_vec).collect();
    let (half, batches) = (batches.len() / 2, Mutex::new(batches));
    // Returns a batch and whether half of the batches are left; exactly one process gets that
    // signal.
    let next = || {
        let mut batches = batches.lock().expect("a queue");
        let batch = batches.pop_front()?;
        Some((batch, batches.len() == half))
    };

    let mut children = Vec::new();
    for process in 0..PROCESSES {
        children.push(Child::start(process, url)?);
    }
    children.iter_mut().try_for_each(Child::wait_until_ready)?;
    let serve = |process: usize, mut child: Child| {
        let (mut reports, mut killed) = (Vec::new(), 0);
        while let Some((batch, is_half)) = next() {
            child.begin(&batch)?;
            if is_half {
                // Some requests are complete by now, some written, some not yet read.
                thread::sleep(Duration::from_millis(30));
                child.kill()?;
                killed = batch.len();
                child = Child::start(process, url)?;
                child.wait_until_ready()?;
                child.begin(&batch)?;
            }
            reports.push(child.report()?);
        }
        child.finish()?;
        Ok::<_, Box<dyn Error>>((reports, killed))
    };
    let served = thread::scope(|scope| {
        let serve = &serve;
        let threads: Vec<_> = children
            .into_iter()
            .enumerate()
            .map(|(process, child)| {
                scope.spawn(move || serve(process, child).map_err(|error| error.to_string()))
            })
            .collect();
        let ended = threads.into_iter().map(|thread| thread.join());
        ended
            .map(|ended| ended.expect("a thread"))
            .collect::<Vec<_>>()
    });
    let (mut reports, mut killed) = (Vec::new(), 0);
    for served in served {
        let served = served?;
        reports.extend(served.0);
        killed += served.1;
    }
    Ok((reports, killed))
}

/// Fisher-Yates shuffle with the standard library's randomness.
fn shuffle(visits: &mut [Arrival]) {
    for last in (1..visits.len()).rev() {
        visits.swap(last, crate::random(last + 1));
    }
}
