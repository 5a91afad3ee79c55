//! The guide's manual tests, in a shell and against the bundled server, as a reader would.

use std::process::{Command, Stdio};

use tempfile::TempDir;
use tokio::{
    io::{AsyncBufReadExt, BufReader},
    process::Command as AsyncCommand,
    time::timeout,
};

use crate::{PATIENCE, example::binary};

const CHAPTER: &str = include_str!("../../src/guide/manual_tests.md");

/// What is printed between two blocks.
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
    let line = line.expect("it starts in time").expect("it prints text");
    let line = line.expect("it says where");
    let base = line.strip_prefix("listening on ").expect("it says where");

    let steps = steps();
    assert!(steps.len() >= 10, "{}", steps.len());
    let script: String = steps
        .iter()
        .map(|(block, _)| format!("{block}\necho\necho '{MARK}'\n"))
        .collect();
    let script = script.replace("http://127.0.0.1:8000", base);
    let output = Command::new("sh")
        .args(["-c", &script])
        .stdin(Stdio::null())
        .output()
        .expect("there is a shell");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    let errors = String::from_utf8_lossy(&output.stderr);
    assert_eq!(errors, "");
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

/// The shell's blocks, each with what it prints.
fn steps() -> Vec<(&'static str, Option<&'static str>)> {
    let blocks: Vec<(&str, &str)> = CHAPTER
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

/// Whether a text is the expected one, in which `…` stands for anything.
fn fits(printed: &str, expected: &str) -> bool {
    let Some((first, later)) = expected.split_once('…') else {
        return printed == expected;
    };
    let Some(rest) = printed.strip_prefix(first) else {
        return false;
    };
    // Every place where the rest could go on.
    let mut places = rest.char_indices().map(|(at, _)| at).chain([rest.len()]);
    places.any(|at| fits(&rest[at..], later))
}
