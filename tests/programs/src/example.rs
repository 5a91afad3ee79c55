//! An example's binary, and what it prints.

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

/// The folder of this build's binaries, as `target/debug`.
fn folder() -> PathBuf {
    let test = env::current_exe().expect("a test has a path");
    let folder = test.ancestors().nth(2).expect("it is in `deps`");
    folder.to_owned()
}

/// Builds the examples' binaries: `cargo test` builds those of a package for its own tests only.
///
/// With these arguments cargo selects the features that it does for
/// `cargo test --workspace --all-features`, so after that command it only has to link.
pub(crate) fn build() {
    let folder = folder();
    let profile = match folder.file_name().and_then(|name| name.to_str()) {
        Some("debug") => "dev",
        other => other.expect("the folder has the profile's name"),
    };
    let mut cargo = Command::new(env!("CARGO"));
    // What cargo says about this package is no setting of another one's build.
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
        .arg(folder.parent().expect("it is in the target folder"))
        .current_dir(env!("CARGO_MANIFEST_DIR"));
    let status = cargo.status().expect("cargo runs");
    assert!(status.success(), "the examples are built");
}

pub(crate) fn binary(name: &str) -> PathBuf {
    folder().join(name)
}

/// A running example. Ends with its handle.
pub(crate) struct Example {
    pub(crate) base: String,
    lines: Lines<BufReader<ChildStdout>>,
    _process: Child,
}

impl Example {
    /// Starts it on a port of its own.
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
        base.expect("it says where").clone_into(&mut example.base);
        example
    }

    async fn line(&mut self) -> String {
        let line = timeout(PATIENCE, self.lines.next_line()).await;
        line.expect("it prints in time")
            .expect("its output can be read")
            .expect("it goes on")
    }

    /// Returns the next line that is something to try.
    pub(crate) async fn invitation(&mut self) -> String {
        loop {
            let line = self.line().await;
            if line.starts_with("curl ") || line.starts_with("cargo ") {
                return line;
            }
        }
    }

    /// Tries the next line in a shell, and returns what that prints.
    pub(crate) async fn try_next(&mut self) -> String {
        run(&self.invitation().await)
    }
}

/// Runs a line as somebody who pasted it, but for cargo, which is running already.
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
    String::from_utf8(output.stdout).expect("it prints text")
}
