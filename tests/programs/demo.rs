//! The demonstration, as its table says and as its exit code does.

use std::process::Command;

use crate::example::binary;

pub(crate) fn missing() -> Option<&'static str> {
    None
}

/// Step and answer, in order.
const STEPS: [(&str, &str); 24] = [
    ("no token", "401 missing_token"),
    ("for another API", "401 invalid_token"),
    ("first access", "200 created: user 1, Ana Diaz"),
    ("second access", "200 found: user 1, Ana Diaz"),
    ("newer token", "200 updated: user 1, Ana Diaz-Lind"),
    ("older token", "200 found: user 1, Ana Diaz-Lind"),
    ("Bo's address, unproved", "403 rule_failed"),
    ("Bo's address, vouched for", "200 linked: user 2, Bo Lind"),
    ("another domain's", "403 rule_failed"),
    ("a group named admin", "403 no_role"),
    ("a mapped group", "200"),
    ("deactivate Ana", "204"),
    ("her next request", "403 deactivated"),
    ("reactivate Ana", "204"),
    ("the old token", "401 invalid_token"),
    ("a fresh token", "200 found: user 1, Ana Diaz-Lind"),
    ("key rotated", "200 found: user 1, Ana Diaz-Lind"),
    ("a made-up key", "401 invalid_token"),
    (
        "issuer down, known user",
        "200 found: user 1, Ana Diaz-Lind",
    ),
    ("issuer down, new user", "200 created: user 3, Cy Ek"),
    ("store down, known user", "200 found: user 1, Ana Diaz-Lind"),
    ("store down, administrator", "403 no_role"),
    ("store down, new user", "503 unavailable"),
    ("store back, new user", "200 created: user 4, Di Moe"),
];

pub(crate) async fn demo_answers_every_step_as_it_says() {
    let output = Command::new(binary("demo")).output().expect("it starts");
    let printed = String::from_utf8(output.stdout).expect("it prints text");
    assert!(output.status.success(), "{printed}");
    let (_, table) = printed.split_once("\n #  step").expect("a table");
    let rows: Vec<Vec<&str>> = table.lines().skip(1).map(columns).collect();
    assert_eq!(rows.len(), STEPS.len() + 1, "{printed}");
    for (index, (step, answer)) in STEPS.into_iter().enumerate() {
        let row = &rows[index];
        assert_eq!(row[1], step);
        assert_eq!((row[3], row[4]), (answer, "ok"), "{step}");
        assert!(row[5].ends_with(" ms"), "{step}: {}", row[5]);
    }
    assert_eq!(rows[STEPS.len()], ["24 of 24 steps as expected"]);
}

/// Two spaces and more stand between columns.
fn columns(line: &str) -> Vec<&str> {
    let columns = line.split("  ").map(str::trim);
    columns.filter(|column| !column.is_empty()).collect()
}
