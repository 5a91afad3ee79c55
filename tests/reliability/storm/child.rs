//! A process of the storm: both the process itself and its handle in the parent.

use std::{
    env,
    error::Error,
    io::{BufRead, BufReader, Lines, Write, stdin},
    process::{ChildStdin, ChildStdout, Command, Stdio},
    sync::{
        Arc,
        atomic::{AtomicUsize, Ordering},
    },
    time::Duration,
};

use sea_orm::{ConnectOptions, Database, DatabaseConnection, DbErr};
use tokio::runtime::Runtime;
use tower_jit_provisioning::{Outcome, sea_orm::SeaOrmProvisioner};

use super::{
    caller::{Call, call},
    people::{Arrival, identity},
    report::Report,
};

/// The variable that makes this binary run as a process of the storm.
pub(crate) const DATABASE: &str = "STORM_DATABASE";

/// The size of a pool, equal to the drivers' default.
const CONNECTIONS: u32 = 10;

/// Upper limit for a call. The speed of a loaded machine is not under test.
const DEADLINE: Duration = Duration::from_secs(30);

/// Handle of the parent to a process.
pub(crate) struct Child {
    process: std::process::Child,
    to: ChildStdin,
    from: Lines<BufReader<ChildStdout>>,
}

type Outcomes = Result<(), Box<dyn Error>>;

impl Child {
    pub(crate) fn start(number: usize, url: &str) -> Result<Self, Box<dyn Error>> {
        let mut process = Command::new(env::current_exe()?)
            .env(DATABASE, url)
            .env("STORM_PROCESS", number.to_string())
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()?;
        let to = process.stdin.take().ok_or("no stdin")?;
        let from = process.stdout.take().ok_or("no stdout")?;
        let from = BufReader::new(from).lines();
        Ok(Self { process, to, from })
    }

    fn line(&mut self) -> Result<String, Box<dyn Error>> {
        Ok(self.from.next().ok_or("a process of the storm ended")??)
    }

    pub(crate) fn wait_until_ready(&mut self) -> Outcomes {
        assert_eq!(self.line()?, "ready");
        Ok(())
    }

    /// Starts the calls of these people, all of them concurrently.
    pub(crate) fn begin(&mut self, arrivals: &[Arrival]) -> Outcomes {
        writeln!(self.to, "{}", serde_json::to_string(arrivals)?)?;
        Ok(self.to.flush()?)
    }

    pub(crate) fn report(&mut self) -> Result<Report, Box<dyn Error>> {
        Ok(serde_json::from_str(&self.line()?)?)
    }

    /// Kills the process without a shutdown.
    pub(crate) fn kill(mut self) -> Outcomes {
        self.process.kill()?;
        self.process.wait()?;
        Ok(())
    }

    /// Ends the process, and waits until its pool is closed.
    pub(crate) fn finish(mut self) -> Outcomes {
        drop(self.to);
        let status = self.process.wait()?;
        match status.success() {
            true => Ok(()),
            false => Err(format!("a process of the storm ended with {status}").into()),
        }
    }
}

/// Runs the process: connects, and makes the calls of every line it receives.
pub(crate) fn run(url: &str) {
    let runtime = Runtime::new().expect("a runtime");
    let statements = Arc::new(AtomicUsize::new(0));
    let failed = Arc::new(AtomicUsize::new(0));
    let mut db = runtime.block_on(connect(url)).expect("a database");
    let counters = (Arc::clone(&statements), Arc::clone(&failed));
    db.set_metric_callback(move |info| {
        counters.0.fetch_add(1, Ordering::Relaxed);
        counters
            .1
            .fetch_add(usize::from(info.failed), Ordering::Relaxed);
    });
    let provisioner = SeaOrmProvisioner::new(db.clone())
        .with_deadline(DEADLINE)
        .with_max_writes(CONNECTIONS as usize - 2);
    println!("ready");
    for line in stdin().lock().lines() {
        let arrivals = serde_json::from_str(&line.expect("a line")).expect("people");
        let mut report = runtime.block_on(storm(&provisioner, arrivals));
        report.statements = statements.swap(0, Ordering::Relaxed);
        report.failed_statements = failed.swap(0, Ordering::Relaxed);
        println!("{}", serde_json::to_string(&report).expect("JSON"));
    }
    // Waits for every connection, and so for every write that continued after its call was dropped.
    runtime.block_on(db.close()).expect("a closed pool");
}

async fn connect(url: &str) -> Result<DatabaseConnection, DbErr> {
    let mut options = ConnectOptions::new(url);
    options
        .min_connections(CONNECTIONS)
        .max_connections(CONNECTIONS)
        .sqlx_logging(false)
        .map_sqlx_sqlite_opts(|to| to.busy_timeout(DEADLINE));
    Database::connect(options).await
}

async fn storm(provisioner: &SeaOrmProvisioner, arrivals: Vec<Arrival>) -> Report {
    let calls: Vec<_> = arrivals
        .into_iter()
        .map(|Arrival { person, hangs_up }| {
            let call = call(provisioner.clone(), identity(person), hangs_up);
            (person, tokio::spawn(call))
        })
        .collect();
    let mut report = Report::default();
    for (person, call) in calls {
        report.calls += 1;
        match call.await.expect("a caller") {
            Call::Answered(Outcome::Created) => report.created.push(person),
            Call::Answered(Outcome::Found) => {}
            Call::Answered(outcome) => report.errors.push(outcome.as_str().to_owned()),
            Call::Failed(error) => report.errors.push(error),
            Call::HungUp => report.hung_up += 1,
        }
    }
    report
}
