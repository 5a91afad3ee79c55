//! Subjects, byte for byte.

use std::collections::HashSet;

use serde_json::{Value, json};
use tower_jit_provisioning::{IdentityKey, TokenFault};

use super::lab::{ISSUER, Lab};

#[test]
fn a_subject_that_databases_could_change_is_refused() {
    let lab = Lab::new();
    let mut rows = vec![(
        "no sub".to_owned(),
        lab.token()
            .without_claim("sub")
            .claim("uid", "ana")
            .email("ana@example.com", true)
            .sign(),
        TokenFault::Subject,
    )];
    for sub in [
        Value::Null,
        json!(""),
        json!(7),
        json!(true),
        json!(["ana"]),
        json!({"id": "ana"}),
        json!("\u{0}"),
        json!("ana\u{0}"),
        json!("a\u{0}na"),
        json!("ana\n"),
        json!("\tana"),
        json!("ana\u{1b}[2J"),
        json!("ana\u{7f}"),
        json!("ana\u{80}"),
        json!("ana\u{85}"),
        json!("ana\u{9f}"),
        json!("a".repeat(256)),
        json!("\u{e9}".repeat(128)),
        json!("a".repeat(5000)),
    ] {
        rows.push(lab.claim("sub", sub, TokenFault::Subject));
    }
    lab.refuses(&rows);
}

#[test]
fn subjects_are_kept_byte_for_byte() {
    let lab = Lab::new();
    let longest = "\u{e9}".repeat(127);
    let subjects = [
        "ana",
        "Ana",
        "ANA",
        " ana",
        "ana ",
        "0",
        "null",
        "jos\u{e9}",
        "jose\u{301}",
        "\u{202e}ana",
        "ana\u{200b}",
        "ana' OR '1'='1",
        "\u{1f600}",
        &longest,
    ];
    let keys: HashSet<IdentityKey> = subjects
        .iter()
        .map(|subject| {
            let identity = lab.passes(&lab.token().claim("sub", *subject).sign());
            assert_eq!(identity.subject(), *subject);
            assert_eq!(identity.key(), IdentityKey::new("", ISSUER, subject));
            identity.key()
        })
        .collect();
    assert_eq!(keys.len(), subjects.len());
}
