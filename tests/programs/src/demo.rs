//! Compares the demonstration's output with its transcript and the README, and checks its exit
//! code.

use std::process::Command;

use crate::example::binary;

const TRANSCRIPT: &str = include_str!("../../../examples/demo/transcript.txt");
const README: &str = include_str!("../../../README.md");

pub(crate) fn missing() -> Option<&'static str> {
    None
}

pub(crate) async fn demo_prints_its_transcript() {
    let output = Command::new(binary("demo"))
        .output()
        .expect("the demo starts");
    let printed = String::from_utf8(output.stdout).expect("the output is UTF-8");
    assert!(output.status.success(), "{printed}");
    let (printed_lines, expected) = (masked(&printed), masked(TRANSCRIPT));
    let how = "`cargo run -p demo > examples/demo/transcript.txt` renews it";
    assert_eq!(printed_lines.len(), expected.len(), "{how}: {printed}");
    for (line, expected) in printed_lines.iter().zip(expected) {
        assert_eq!(*line, expected, "{how}");
    }
    let (_, table) = README.split_once("```text\n #  step").expect("a table");
    let (table, _) = table.split_once("\n```").expect("the table ends");
    let table = masked(&format!(" #  step{table}"));
    assert_eq!(
        table.len(),
        26,
        "the README has the head, each step, the sum"
    );
    assert!(printed_lines.ends_with(&table), "the README: {table:#?}");
}

/// Returns the lines without the parts that differ between runs: ports and durations.
fn masked(text: &str) -> Vec<String> {
    let lines = text.lines().map(|line| {
        let words = line.split(' ').map(|word| match word.rsplit_once(':') {
            Some((host, port)) if host.starts_with("http:") && port.parse::<u16>().is_ok() => {
                format!("{host}:…")
            }
            _ => word.to_owned(),
        });
        let line = words.collect::<Vec<_>>().join(" ");
        match line
            .strip_suffix(" ms")
            .and_then(|line| line.rsplit_once(' '))
        {
            Some((rest, took)) if took.parse::<f64>().is_ok() => {
                format!("{} … ms", rest.trim_end())
            }
            _ => line,
        }
    });
    lines.collect()
}
