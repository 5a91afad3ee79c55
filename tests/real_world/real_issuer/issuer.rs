//! The issuer's process, and its commands.

use std::{
    collections::HashMap,
    fs,
    hash::{DefaultHasher, Hash, Hasher},
    io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::OnceLock,
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, AsyncWriteExt, BufReader, Lines},
    process::{Child, ChildStdin, ChildStdout, Command as AsyncCommand},
    time::timeout,
};

use super::PATIENCE;

/// A probe that succeeds on a Node.js with the functions that oidc-provider calls.
const PROBE: &str = "process.exit(URL.parse && require('node:crypto').hash ? 0 : 1)";

/// Returns the reason if this machine cannot run the issuer.
pub(crate) fn missing() -> Option<&'static str> {
    let succeeds = |program: &str, arguments: &[&str]| {
        let mut command = Command::new(program);
        command.args(arguments).stdin(Stdio::null());
        command.output().map(|output| output.status.success())
    };
    match (
        succeeds("node", &["--eval", PROBE]),
        succeeds("npm", &["--version"]),
    ) {
        (Err(_), _) => Some("node is not installed"),
        (Ok(false), _) => Some("node is too old for oidc-provider"),
        (_, Err(_) | Ok(false)) => Some("npm is not installed"),
        (Ok(true), Ok(true)) => None,
    }
}

/// Installs the packages of the lock file, once per lock file, and returns the script.
fn script() -> &'static Path {
    static SCRIPT: OnceLock<PathBuf> = OnceLock::new();
    SCRIPT.get_or_init(|| install().unwrap_or_else(|error| panic!("npm ci: {error}")))
}

fn install() -> io::Result<PathBuf> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/real_world/real_issuer");
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let mut hasher = DefaultHasher::new();
    fs::read(source.join("package-lock.json"))?.hash(&mut hasher);
    let folder = target.join(format!("real_issuer-{:016x}", hasher.finish()));
    if !folder.exists() {
        // The folder gets its final name when it is complete, so that an interrupted run leaves no
        // partial one.
        let partial = TempDir::new_in(target)?;
        for name in ["package.json", "package-lock.json"] {
            fs::copy(source.join(name), partial.path().join(name))?;
        }
        let output = Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(&partial)
            .stdin(Stdio::null())
            .output()?;
        if !output.status.success() {
            return Err(io::Error::other(String::from_utf8_lossy(&output.stderr)));
        }
        fs::rename(partial.keep(), &folder)?;
    }
    let script = folder.join("issuer.mjs");
    fs::copy(source.join("issuer.mjs"), &script)?;
    Ok(script)
}

/// A running issuer, which ends with its handle.
pub(crate) struct Issuer {
    pub(crate) url: String,
    process: Child,
    orders: ChildStdin,
    answers: Lines<BufReader<ChildStdout>>,
    /// Holds the keys, and the provider's output.
    folder: TempDir,
}

impl Issuer {
    /// Starts an issuer that publishes these keys; the first one signs.
    pub(crate) async fn start(keys: &[&str]) -> Self {
        Self::start_at("0", keys, TempDir::new().unwrap()).await
    }

    /// Restarts the issuer at the same address, after [`stop`](Self::stop).
    pub(crate) async fn restart(self, keys: &[&str]) -> Self {
        let (_, port) = self.url.rsplit_once(':').unwrap();
        Self::start_at(port, keys, self.folder).await
    }

    async fn start_at(port: &str, keys: &[&str], folder: TempDir) -> Self {
        let log = folder.path().join("log");
        let mut process = AsyncCommand::new("node")
            .arg(script())
            .arg(folder.path().join("keys.json"))
            .arg(port)
            .args(keys)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(fs::File::create(&log).unwrap())
            .kill_on_drop(true)
            .spawn()
            .unwrap();
        let mut issuer = Self {
            url: String::new(),
            orders: process.stdin.take().unwrap(),
            answers: BufReader::new(process.stdout.take().unwrap()).lines(),
            process,
            folder,
        };
        let answer = issuer.answer().await;
        let url = answer.strip_prefix("listening ");
        url.expect(&answer).clone_into(&mut issuer.url);
        issuer
    }

    /// Kills the process.
    pub(crate) async fn stop(&mut self) {
        self.process.kill().await.unwrap();
    }

    /// Publishes these keys and no others; the first one signs.
    pub(crate) async fn publish(&mut self, keys: &[&str]) {
        let order = format!("keys {}", keys.join(" "));
        assert_eq!(self.obey(&order).await, order);
    }

    /// Returns the number of requests for the key set.
    pub(crate) async fn fetches(&mut self) -> usize {
        let asked: HashMap<String, usize> =
            serde_json::from_str(&self.obey("asked").await).unwrap();
        asked.get("/jwks").copied().unwrap_or(0)
    }

    async fn obey(&mut self, order: &str) -> String {
        let line = format!("{order}\n");
        self.orders.write_all(line.as_bytes()).await.unwrap();
        self.answer().await
    }

    /// Reads the next line that is not a hint of the provider to its operator.
    async fn answer(&mut self) -> String {
        loop {
            let line = timeout(PATIENCE, self.answers.next_line()).await;
            match line.expect("the issuer answers in time").unwrap() {
                None => {
                    let log = fs::read_to_string(self.folder.path().join("log"));
                    panic!("the issuer ended: {log:?}");
                }
                Some(line) if line.starts_with("oidc-provider ") => {}
                Some(line) => return line,
            }
        }
    }
}
