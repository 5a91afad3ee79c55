//! The examples with custom users, called with `curl`.

use std::process::Command;

use serde_json::{Value, json};

pub(crate) use crate::curl::missing;
use crate::{
    curl::parts,
    example::{Example, binary, run},
};

/// Returns the status and the JSON document of a `curl -i` line.
fn answer(line: &str) -> (u16, Value) {
    let printed = run(line);
    let (status, _, body) = parts(&printed);
    (status, serde_json::from_str(body).expect("a document"))
}

pub(crate) async fn the_curl_lines_of_existing_users_table_work() {
    let mut example = Example::start("existing_users_table").await;
    let [ana, bo, cy, di] = [
        example.next_command().await,
        example.next_command().await,
        example.next_command().await,
        example.next_command().await,
    ];
    let account = |id, email, has_password, outcome| {
        let account =
            json!({"id": id, "email": email, "has_password": has_password, "outcome": outcome});
        (200, account)
    };
    for (ana_is, cy_is) in [("linked", "created"), ("found", "found")] {
        assert_eq!(answer(&ana), account(1, "ana@example.com", true, ana_is));
        assert_eq!(answer(&cy), account(3, "cy@example.com", false, cy_is));
    }
    for (line, code) in [(bo, "conflict"), (di, "rule_failed")] {
        let (status, problem) = answer(&line);
        assert_eq!((status, &problem["code"]), (403, &json!(code)));
    }
}

pub(crate) async fn existing_users_table_prints_responses_with_once() {
    let mut once = Command::new(binary("existing_users_table"));
    let output = once.arg("--once").output().unwrap();
    assert!(output.status.success(), "{output:?}");
    let printed = String::from_utf8(output.stdout).unwrap();
    let answers: Vec<&str> = printed.lines().skip(1).collect();
    let starts = ["ana: 200", "bo: 403", "cy: 200", "di: 403"];
    assert_eq!(answers.len(), starts.len(), "{printed}");
    for (answer, start) in answers.into_iter().zip(starts) {
        assert!(answer.starts_with(start), "{answer}");
    }
}

pub(crate) async fn the_curl_lines_of_custom_provisioner_work() {
    let mut example = Example::start("custom_provisioner").await;
    let ana = example.next_command().await;
    let member = |number, name, outcome| {
        let member = json!({"number": number, "name": name, "outcome": outcome});
        (200, member)
    };
    assert_eq!(answer(&ana), member(1, "Ana Lind", "created"));
    assert_eq!(answer(&ana), member(1, "Ana Lind", "found"));
    let bo = example.next_command().await;
    assert_eq!(answer(&bo), member(2, "Bo Ek", "created"));
    let (status, problem) = answer(&example.next_command().await);
    assert_eq!((status, &problem["code"]), (403, &json!("deactivated")));
}
