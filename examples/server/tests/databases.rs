//! The server on every supported database.
//!
//! SQLite always runs. PostgreSQL and MySQL (or MariaDB) run if `TEST_POSTGRES_URL` and
//! `TEST_MYSQL_URL` point to a server that allows creating databases. Every trial uses its own
//! fresh database.

#[expect(
    dead_code,
    unreachable_pub,
    unused_imports,
    reason = "shared with the other tests of the server"
)]
mod common;

mod databases {
    pub(crate) mod database;
    pub(crate) mod endpoints;
    pub(crate) mod replicas;
}

use std::{pin::Pin, process::ExitCode, sync::Arc};

use libtest_mimic::{Arguments, Failed, Trial};
use tokio::runtime::Runtime;

use self::databases::{
    database::{Backend, Database},
    endpoints, replicas,
};

type Run = for<'a> fn(&'a Database) -> Pin<Box<dyn Future<Output = ()> + Send + 'a>>;

fn main() -> ExitCode {
    let mut arguments = Arguments::from_args();
    // One at a time, because `replicas` measures three servers.
    arguments.test_threads.get_or_insert(1);
    let (postgres, mysql) = (Backend::postgres(), Backend::mysql());
    let endpoints: Run = |database| Box::pin(endpoints::every_endpoint_is_served(database));
    let replicas: Run = |database| Box::pin(replicas::three_servers_act_as_one(database));
    let trials = vec![
        trial(
            "sqlite::every_endpoint_is_served",
            Ok(Backend::Sqlite),
            endpoints,
        ),
        trial(
            "postgres::every_endpoint_is_served",
            postgres.clone(),
            endpoints,
        ),
        trial("mysql::every_endpoint_is_served", mysql, endpoints),
        trial("postgres::three_servers_act_as_one", postgres, replicas),
    ];
    libtest_mimic::run(&arguments, trials).exit_code()
}

fn trial(name: &str, backend: Result<Backend, &'static str>, run: Run) -> Trial {
    match backend {
        Ok(backend) => Trial::test(name, move || play(backend, run)),
        Err(reason) => Trial::test(name, move || Err(reason.into()))
            .with_kind(reason)
            .with_ignored_flag(true),
    }
}

/// Runs a trial in its own task, so that the database is dropped even if it panics.
fn play(backend: Backend, run: Run) -> Result<(), Failed> {
    Runtime::new()?.block_on(async {
        let database = Arc::new(Database::create(backend).await?);
        let subject = Arc::clone(&database);
        let verdict = tokio::spawn(async move { run(&subject).await }).await;
        let dropped = database.destroy().await;
        verdict?;
        Ok(dropped?)
    })
}
