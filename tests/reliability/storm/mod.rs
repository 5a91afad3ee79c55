//! The storm: three processes send the first requests of ten people concurrently, on one database.
//!
//! This binary starts itself three times. Each process makes 200 calls a round with its own pool,
//! and half of the callers hang up at random points; then the parent process reads the tables.
//! There must be one user, one identity and one `created` event for each person, whether callers
//! hung up or not. No caller may have received an error, and for each user at most one caller may
//! have received a creation.
//!
//! SQLite always runs. PostgreSQL and MySQL (or MariaDB) run if `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server on which databases may be created. `STORM_ROUNDS` makes the run
//! longer; the default is short enough for every commit.

mod caller;
pub(crate) mod child;
pub(crate) mod people;
pub(crate) mod report;
mod table;
pub(crate) mod verdict;

use std::{env, time::Instant};

use libtest_mimic::{Failed, Trial};
use tokio::runtime::Runtime;

use crate::common::database::{Backend, TestDatabase};

use self::{child::Child, people::Arrival, report::Report, table::Table};

/// Number of processes.
const PROCESSES: usize = 3;

/// Number of rounds, each with new people.
const ROUNDS: usize = 4;

/// Number of new people in a round.
const PEOPLE: usize = 10;

/// Number of calls of a process in a round.
const CALLS: usize = 200;

pub(crate) fn trials() -> impl Iterator<Item = Trial> {
    let backends = [
        ("sqlite", Ok(Backend::Sqlite)),
        ("postgres", Backend::postgres()),
        ("mysql", Backend::mysql()),
    ];
    backends.into_iter().map(|(backend, at)| {
        let name = format!("storm::{backend}");
        match at {
            Ok(at) => Trial::test(name, move || run(backend, &at)),
            Err(reason) => Trial::test(name, move || Err(reason.into()))
                .with_kind(reason)
                .with_ignored_flag(true),
        }
    })
}

fn rounds() -> usize {
    let rounds = env::var("STORM_ROUNDS").ok();
    rounds
        .and_then(|rounds| rounds.parse().ok())
        .unwrap_or(ROUNDS)
}

/// Runs the storm on a fresh database, which is dropped even if a check panics.
fn run(name: &'static str, backend: &Backend) -> Result<(), Failed> {
    Runtime::new()?.block_on(async {
        let store = TestDatabase::create(backend, true).await?;
        let url = store.url();
        let start = Instant::now();
        let reports = tokio::task::spawn_blocking(move || storm(&url)).await;
        let seconds = start.elapsed().as_secs_f64();
        let rows = store.rows().await;
        store.destroy().await?;
        let reports = reports??;
        Table::new(&reports, &rows, seconds).print(name);
        assert_eq!(reports.len(), PROCESSES * rounds());
        verdict::assert_consistent(&reports, &rows, PEOPLE * rounds());
        Ok(())
    })
}

/// Starts the processes, begins every round in all of them concurrently, and collects their
/// reports.
fn storm(url: &str) -> Result<Vec<Report>, Failed> {
    let mut children = Vec::with_capacity(PROCESSES);
    for process in 0..PROCESSES {
        children.push(Child::start(process, url)?);
    }
    children.iter_mut().try_for_each(Child::wait_until_ready)?;
    let mut reports = Vec::new();
    for round in 0..rounds() {
        let arrivals: Vec<_> = (0..CALLS).map(|call| arrival(round, call)).collect();
        for child in &mut children {
            child.begin(&arrivals)?;
        }
        for child in &mut children {
            reports.push(child.report()?);
        }
    }
    children.into_iter().try_for_each(Child::finish)?;
    Ok(reports)
}

/// Every person arrives equally often, and may hang up every other time.
fn arrival(round: usize, call: usize) -> Arrival {
    Arrival {
        person: round * PEOPLE + call % PEOPLE,
        hangs_up: (call / PEOPLE).is_multiple_of(2),
    }
}
