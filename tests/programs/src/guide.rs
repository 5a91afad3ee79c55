//! Runs the guide's shell commands against the bundled server.

use std::{
    env,
    net::TcpListener,
    process::{Command, Stdio},
};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command as AsyncCommand,
    time::timeout,
};

use crate::{PATIENCE, example::binary};

/// Printed between the output of two blocks.
const MARK: &str = "=== next ===";

pub(crate) use crate::curl::missing;

pub(crate) async fn manual_tests_print_what_the_guide_says() {
    let folder = TempDir::new().expect("a folder");
    let database = folder.path().join("users.sqlite");
    let mut server = AsyncCommand::new(binary("server"))
        .env("LISTEN", "127.0.0.1:0")
        .env(
            "DATABASE_URL",
            format!("sqlite://{}?mode=rwc", database.display()),
        )
        .env("DEV_ISSUER", "on")
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .kill_on_drop(true)
        .spawn()
        .expect("the server starts");
    let stdout = server.stdout.take().expect("its output is piped");
    let mut lines = BufReader::new(stdout).lines();
    let line = timeout(PATIENCE, lines.next_line()).await;
    let line = line
        .expect("the server starts in time")
        .expect("the output is UTF-8");
    let line = line.expect("the server prints its address");
    let address = line.strip_prefix("listening on http://");
    let address = address.expect("the server prints its address").to_owned();
    let chapter = include_str!("../../../src/guide/manual_tests.md");
    follow(chapter, 10, &[("127.0.0.1:8000", address)]).await;
}

/// The chapter starts the servers itself.
pub(crate) async fn the_server_chapter_prints_what_the_guide_says() {
    let named = ["127.0.0.1:8000", "127.0.0.1:8001", "127.0.0.1:8002"];
    // All listeners are bound at the same time, so that their ports differ.
    let free = named.map(|_| TcpListener::bind("127.0.0.1:0").expect("a free port"));
    let free = free.map(|listener| listener.local_addr().expect("an address").to_string());
    let addresses: Vec<_> = named.into_iter().zip(free).collect();
    let chapter = include_str!("../../../src/guide/server.md");
    follow(chapter, 12, &addresses).await;
}

/// Runs a chapter's blocks in one shell, in an empty folder, with the bundled server in `PATH`.
/// Asserts that each block prints the documented output and that stderr is empty.
async fn follow(chapter: &str, blocks: usize, addresses: &[(&str, String)]) {
    let steps = steps(chapter);
    assert!(steps.len() >= blocks, "{}", steps.len());
    let script: String = steps
        .iter()
        .map(|(block, _)| format!("{block}\necho\necho '{MARK}'\n"))
        .collect();
    let script = addresses
        .iter()
        .fold(script, |script, (named, real)| script.replace(named, real));

    let folder = TempDir::new().expect("a folder");
    let mut path = binary("server");
    path.pop();
    let mut path = path.into_os_string();
    path.push(":");
    path.push(env::var_os("PATH").unwrap_or_default());
    let shell = AsyncCommand::new("sh")
        .args(["-c", &script])
        .current_dir(folder.path())
        .env("PATH", path)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .process_group(0)
        .spawn()
        .expect("there is a shell");
    let _started = Group(shell.id().expect("the shell is running"));
    let output = timeout(PATIENCE, shell.wait_with_output()).await;
    let output = output
        .expect("the shell exits in time")
        .expect("the shell exits");
    let printed = String::from_utf8(output.stdout).expect("the output is UTF-8");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "", "{printed}");
    let mut printed = printed.split(MARK);
    for (block, expected) in steps {
        let printed = printed.next().expect("every block ends");
        let Some(expected) = expected else { continue };
        let printed = printed.replace('\r', "");
        assert!(
            fits(printed.trim(), expected),
            "{block}\n\nexpected: {expected}\n\nprinted: {printed}"
        );
    }
}

/// A process group. Dropping it kills the processes that the shell started and left running.
struct Group(u32);

impl Drop for Group {
    fn drop(&mut self) {
        let group = format!("-{}", self.0);
        let mut kill = Command::new("kill");
        kill.args(["-KILL", "--", &group]).stderr(Stdio::null());
        let _ = kill.status();
    }
}

/// Returns the chapter's shell blocks, each with its documented output.
fn steps(chapter: &str) -> Vec<(&str, Option<&str>)> {
    let blocks: Vec<(&str, &str)> = chapter
        .split("```")
        .skip(1)
        .step_by(2)
        .filter_map(|block| block.split_once('\n'))
        .collect();
    let mut steps = Vec::new();
    for (index, (info, block)) in blocks.iter().enumerate() {
        if *info == "sh" {
            let next = blocks.get(index + 1);
            let printed = next.filter(|(info, _)| *info == "text");
            steps.push((*block, printed.map(|(_, text)| text.trim())));
        }
    }
    steps
}

/// Returns whether a text equals the expected one, in which `…` matches any text.
fn fits(printed: &str, expected: &str) -> bool {
    let Some((first, later)) = expected.split_once('…') else {
        return printed == expected;
    };
    let Some(rest) = printed.strip_prefix(first) else {
        return false;
    };
    // Tries every position where the text after `…` could match.
    let mut positions = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    positions.any(|at| fits(&rest[at..], later))
}
