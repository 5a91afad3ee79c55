//! Every provisioner of this crate fulfils the contract, and every violation is detected.
//!
//! `memory`, `directory`, `cached` and `dyn` always run, the databases with feature `migration`:
//! SQLite without configuration, PostgreSQL and MySQL (or MariaDB) if `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` name a server on which databases may be created. Each check is a trial on a
//! fresh store; the reports are printed last.

#[cfg(feature = "migration")]
#[path = "../common"]
mod common {
    pub(crate) mod database;
    pub(crate) mod setup;
    pub(crate) mod shapes;
}
#[cfg(feature = "migration")]
mod databases;
mod directory;
mod flawed;
mod flaws;
mod memory;
mod results;
mod wrapped;

use std::process::ExitCode;

use libtest_mimic::Arguments;

use self::{
    directory::DirectoryHarness,
    memory::MemoryHarness,
    results::Results,
    wrapped::{cached, erased},
};

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // Every trial has its own threads and connections; with more concurrent trials, a server runs
    // out of them.
    arguments.test_threads.get_or_insert(4);
    let results = Results::default();
    let mut trials = results.trials("memory", async || MemoryHarness::default());
    trials.extend(results.trials("directory", async || DirectoryHarness::default()));
    trials.extend(results.trials("cached", async || cached(MemoryHarness::default())));
    trials.extend(results.trials("dyn", async || erased(MemoryHarness::default())));
    #[cfg(feature = "migration")]
    trials.extend(databases::trials(&results));
    trials.extend(flaws::trials());
    let conclusion = libtest_mimic::run(&arguments, trials);
    if !arguments.list && results.is_any() {
        println!("{results}");
    }
    conclusion.exit_code()
}
