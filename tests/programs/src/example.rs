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

pub(crate) fn binary(name: &str) -> PathBuf {
    let mut path = env::current_exe().expect("a test has a path");
    path.pop();
    path.pop();
    path.push("examples");
    path.push(name);
    assert!(path.exists(), "`cargo build --examples` makes {path:?}");
    path
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
    let client = "cargo run --example tonic_server --features testing --";
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
