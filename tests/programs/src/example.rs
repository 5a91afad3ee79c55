//! Runs an example's binary and reads its output.

use std::{
    env,
    path::PathBuf,
    process::{Command, Stdio},
};

use tokio::{
    io::{AsyncBufReadExt, BufReader, Lines},
    process::{Child, ChildStdout, Command as AsyncCommand},
    time::timeout,
};

use crate::PATIENCE;

/// Returns the folder of this build's binaries, as `target/debug`.
fn folder() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.ancestors().nth(2).expect("the test is in `deps`");
    folder.to_owned()
}

/// Builds the examples' binaries, because `cargo test` only builds the binaries of a package for
/// its own tests.
///
/// With these arguments cargo selects the same features as for `cargo test --workspace
/// --all-features`, so that after that command it only has to link.
pub(crate) fn build() {
    let folder = folder();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        other => other.expect("the folder has the profile's name"),
    };
    let mut cargo = Command::new(env!("CARGO"));
    // Cargo's variables about this package would change the build of others.
    for (name, _) in env::vars_os() {
        let text = name.to_string_lossy();
        if text.starts_with("CARGO_PKG_") || text.starts_with("CARGO_MANIFEST_") {
            cargo.env_remove(&name);
        }
    }
    cargo
        .args(["build", "--quiet", "--workspace", "--all-features"])
        .args(["--bins", "--test", "programs", "--profile", profile])
        .arg("--target-dir")
        .arg(folder.parent().expect("the folder is in the target folder"))
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the examples are built");
}

pub(crate) fn binary(name: &str) -> PathBuf {
    folder().join(name)
}

/// A running example, which is killed when the handle is dropped.
pub(crate) struct Example {
    pub(crate) base: String,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Example {
    /// Starts an example on a free port.
    pub(crate) async fn start(name: &str) -> Self {
        let mut process = AsyncCommand::new(binary(name))
            .env("LISTEN", "127.0.0.1:0")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()
            .expect("the example starts");
        let stdout = process.stdout.take().expect("its output is piped");
        let mut example = Self {
            base: String::new(),
            lines: BufReader::new(stdout).lines(),
            _process: process,
        };
        let line = example.line().await;
        let base = line.strip_prefix("listening on ");
        base.expect("the example prints its address")
            .clone_into(&mut example.base);
        example
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("the example prints in time")
            .expect("the output is readable")
            .expect("the example prints another line")
    }

    /// Returns the next printed line that is a command to try.
    pub(crate) async fn next_command(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.starts_with("curl ") || line.starts_with("cargo ") {
                return line;
            }
        }
    }

    /// Runs the next printed command in a shell and returns its output.
    pub(crate) async fn try_next(&mut self) -> String {
        run(&self.next_command().await)
    }
}

/// Runs a printed command in a shell. `cargo run` is replaced by the binary's path, because cargo
/// is already running.
pub(crate) fn run(line: &str) -> String {
    let client = "cargo run -p tonic_server --";
    let line = line.replace(client, &binary("tonic_server").display().to_string());
    let line = match line.strip_prefix("curl ") {
        Some(rest) => format!("curl --silent --show-error --max-time 30 {rest}"),
        None => line,
    };
    let output = Command::new("sh")
        .args(["-c", &line])
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{line}\n{errors}");
    String::from_utf8(output.stdout).expect("the output is UTF-8")
}
