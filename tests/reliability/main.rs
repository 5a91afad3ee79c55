//! Guarantees of the layer under faults and load, measured in figures.
//!
//! Each row of the table causes one fault under load, prints its measurements, and fails if a
//! figure breaks a guarantee; the table of all rows is printed last. By default a row takes some
//! seconds. Figures for publication come from the long form, which takes minutes:
//!
//! ```sh
//! RELIABILITY=long cargo test --release --all-features --test reliability
//! ```

mod clocks;
#[path = "../common"]
mod common {
    pub(crate) mod database;
    pub(crate) mod rows;
}
mod app;
mod database_faults;
mod deactivation;
mod figures;
mod first_logins;
mod floods;
mod issuer_down;
mod issuer_faults;
mod memory;
mod people;
mod private_server;
mod rotation;
mod soak;
mod storm;
mod tokens;

use std::{
    collections::hash_map::RandomState,
    env,
    hash::{BuildHasher, Hasher},
    process::ExitCode,
    sync::{Arc, Mutex},
    time::Instant,
};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use self::{common::database::Backend, figures::Figures, storm::child};

/// The requirements of a row beside this binary: `Err` names a missing one.
type Needs = Result<(), String>;

fn main() -> ExitCode {
    if let Ok(url) = env::var(child::DATABASE) {
        child::run(&url);
        return ExitCode::SUCCESS;
    }
    let mut arguments = Arguments::from_args();
    // Rows run one at a time, because they measure times and memory.
    arguments.test_threads.get_or_insert(1);
    let table = Table::default();
    let on = |backend: Result<Backend, &'static str>| backend.map(drop).map_err(str::to_owned);
    let (postgres, mysql) = (|| on(Backend::postgres()), || on(Backend::mysql()));
    let mut rows = vec![
        table.row("issuer_down", Ok(()), issuer_down::run),
        table.row("key_rotation", Ok(()), rotation::run),
        table.row("issuer_faults", Ok(()), issuer_faults::run),
        table.row("floods", Ok(()), floods::run),
        table.row("clocks", Ok(()), clocks::run),
        table.row("distinct_tokens_stay_in_their_memory", Ok(()), tokens::run),
        table.row("first_logins_on_sqlite", Ok(()), first_logins::on_sqlite),
        table.row(
            "first_logins_on_postgres",
            postgres(),
            first_logins::on_postgres,
        ),
        table.row("first_logins_on_mysql", mysql(), first_logins::on_mysql),
        table.row(
            "database_faults_on_sqlite",
            Ok(()),
            database_faults::on_sqlite,
        ),
        table.row(
            "database_faults_on_postgres",
            private_server::postgres().map(drop),
            database_faults::on_postgres,
        ),
        table.row(
            "database_faults_on_mysql",
            private_server::mysql().map(drop),
            database_faults::on_mysql,
        ),
        table.row(
            "deactivation_with_the_bus",
            postgres(),
            deactivation::with_bus,
        ),
        table.row(
            "deactivation_with_the_bus_cut",
            postgres(),
            deactivation::with_bus_cut,
        ),
        table.row("soak", private_server::postgres().map(drop), soak::run),
    ];
    rows.extend(storm::trials());
    let conclusion = libtest_mimic::run(&arguments, rows);
    table.print();
    conclusion.exit_code()
}

/// The completed rows.
#[derive(Clone, Default)]
struct Table(Arc<Mutex<Vec<String>>>);

impl Table {
    /// Makes a trial of a row.
    fn row<F>(&self, name: &'static str, needs: Needs, run: fn(bool) -> F) -> Trial
    where
        F: Future<Output = Figures> + 'static,
    {
        if let Err(reason) = needs {
            return Trial::test(name, || Ok(()))
                .with_kind(reason)
                .with_ignored_flag(true);
        }
        let table = self.clone();
        Trial::test(name, move || table.measure(name, run))
    }

    fn measure<F>(&self, name: &str, run: fn(bool) -> F) -> Result<(), Failed>
    where
        F: Future<Output = Figures>,
    {
        let is_long = env::var("RELIABILITY").is_ok_and(|form| form == "long");
        let started = Instant::now();
        let mut figures = Runtime::new()?.block_on(run(is_long));
        let seconds = started.elapsed().as_secs_f64();
        figures.add("seconds", format!("{seconds:.1}"));
        figures.print(name);
        let (verdict, held) = match figures.verdict() {
            Ok(()) => (Ok(()), "held"),
            Err(broken) => (Err(Failed::from(broken)), "did not hold"),
        };
        let row = name.replace('_', " ");
        let line = format!(
            "| {row} | {} | {seconds:.0} s | {held} |",
            figures.summary()
        );
        self.0.lock().expect("a table").push(line);
        verdict
    }

    fn print(&self) {
        println!("| row | figures | took | |\n|---|---|---|---|");
        for line in self.0.lock().expect("a table").iter() {
            println!("{line}");
        }
        println!();
    }
}

/// Returns a random number below a bound.
fn random(below: usize) -> usize {
    let random = RandomState::new().build_hasher().finish();
    (random % below.max(1) as u64) as usize
}
