//! Processes that start concurrently: this binary again, with a variable set.

use std::{
    env,
    error::Error,
    io::{self, BufRead, BufReader, Write},
    process::{Child, Command, ExitCode, Stdio},
};

use sea_orm::{ConnectOptions, Database};
use tokio::{runtime::Runtime, task};
use tower_jit_provisioning::{
    Provisioner,
    sea_orm::{SeaOrmProvisioner, migration},
};

use crate::{
    common::database::PATIENCE,
    fixture::{Store, person},
};

/// Variable with the database URL; it marks a process as a replica instead of a test.
const VARIABLE: &str = "REPLICA_DATABASE_URL";

/// Runs the replica, if this process is one.
pub(crate) fn run() -> Option<ExitCode> {
    let url = env::var(VARIABLE).ok()?;
    let started = Runtime::new().map_err(Into::into);
    let ended = started.and_then(|runtime| runtime.block_on(start(&url)));
    Some(match ended {
        Ok(outcome) => {
            println!("{outcome}");
            ExitCode::SUCCESS
        }
        Err(error) => {
            println!("failed: {error}");
            ExitCode::FAILURE
        }
    })
}

/// Connects, reports it, waits for the start signal, migrates and serves a first request.
async fn start(url: &str) -> Result<&'static str, Box<dyn Error>> {
    let mut options = ConnectOptions::new(url);
    options
        .max_connections(2)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|to| to.busy_timeout(PATIENCE));
    let db = Database::connect(options).await?;
    println!("ready");
    io::stdin().read_line(&mut String::new())?;
    migration::run(&db).await?;
    let provisioner = SeaOrmProvisioner::new(db).with_deadline(PATIENCE);
    let provisioned = provisioner.provision(&person("ana").build()).await?;
    Ok(provisioned.outcome().as_str())
}

pub(crate) async fn processes_can_start_concurrently_on_an_empty_database(store: &Store) {
    let url = store.url();
    let outcomes = task::spawn_blocking(move || start_at_once(&url, 3)).await;
    let mut outcomes = outcomes.unwrap();
    outcomes.sort();
    assert_eq!(outcomes, ["created", "found", "found"]);
    store.rows().await.assert_created(1);
}

/// Starts processes, signals them all at the same time, and returns the final report of each.
fn start_at_once(url: &str, count: usize) -> Vec<String> {
    let mut replicas: Vec<_> = (0..count).map(|_| Replica::start(url)).collect();
    for replica in &mut replicas {
        assert_eq!(replica.line(), "ready");
    }
    for replica in &mut replicas {
        let mut input = replica.child.stdin.take().unwrap();
        input.write_all(b"go\n").unwrap();
    }
    replicas.iter_mut().map(Replica::line).collect()
}

struct Replica {
    child: Child,
    output: BufReader<std::process::ChildStdout>,
}

impl Replica {
    fn start(url: &str) -> Self {
        let mut child = Command::new(env::current_exe().unwrap())
            .env(VARIABLE, url)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let output = BufReader::new(child.stdout.take().unwrap());
        Self { child, output }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.output.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }
}

/// Ends the process even if the test failed.
impl Drop for Replica {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
