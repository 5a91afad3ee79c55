//! Settings by file, variables and flags: same names, all faults, and a complete example.

use std::{collections::BTreeSet, fs, path::Path, process::Output};

use config::{Config, File, FileFormat};
use serde_json::{Value, json};
use tempfile::TempDir;
use tower_jit_provisioning::VerifierConfig;

use crate::common::run;

const EXAMPLE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/server.example.toml");

fn check(variables: &[(&str, &str)], arguments: &[&str]) -> Output {
    run(variables, &[&["--check"], arguments].concat())
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

fn file(folder: &Path, text: &str) -> String {
    let path = folder.join("server.toml");
    fs::write(&path, text).unwrap();
    path.display().to_string()
}

/// Returns the keys that `--help` lists.
fn server_keys() -> BTreeSet<String> {
    let help = run(&[], &["--help"]);
    assert!(help.status.success(), "{help:?}");
    let help = String::from_utf8_lossy(&help.stdout).into_owned();
    let lines = help.lines().filter_map(|line| line.strip_prefix("  "));
    lines
        .map(|line| line.split(' ').next().unwrap().to_owned())
        .collect()
}

/// Returns the keys of an issuer's table: those that the library lists when it rejects an unknown
/// key, and the one that the server adds.
fn issuer_keys() -> BTreeSet<String> {
    let unknown = json!({"issuers": {"staff": {"issuer": "x", "no_such_key": 1}}});
    let refusal = serde_json::from_value::<VerifierConfig>(unknown)
        .unwrap_err()
        .to_string();
    let (_, known) = refusal.split_once("expected one of").expect(&refusal);
    let names = known.split('`').skip(1).step_by(2);
    names.chain(["jwks_file"]).map(str::to_owned).collect()
}

#[test]
fn the_example_documents_exactly_the_known_keys() {
    let text = fs::read_to_string(EXAMPLE).unwrap();
    let switched_on: String = text
        .lines()
        .map(|line| match line.strip_prefix('#') {
            Some(rest) if !rest.starts_with(' ') => format!("{rest}\n"),
            _ => format!("{line}\n"),
        })
        .collect();
    let source = File::from_str(&switched_on, FileFormat::Toml);
    let example = Config::builder().add_source(source).build().unwrap();
    let example: Value = example.try_deserialize().unwrap();
    let names = |table: &Value| -> BTreeSet<String> {
        table.as_object().unwrap().keys().cloned().collect()
    };
    assert_eq!(names(&example), server_keys());
    assert_eq!(names(&example["issuers"]["staff"]), issuer_keys());
}

#[test]
fn the_example_passes_the_check_and_the_check_starts_nothing() {
    let folder = TempDir::new().unwrap();
    let database = format!(
        "sqlite://{}?mode=rwc",
        folder.path().join("users").display()
    );
    let checked = check(&[("DATABASE_URL", &database)], &["--config", EXAMPLE]);
    assert!(checked.status.success(), "{checked:?}");
    assert!(!folder.path().join("users").exists());
}

#[test]
fn flags_override_variables_and_variables_override_the_file() {
    let folder = TempDir::new().unwrap();
    let path = file(
        folder.path(),
        "listen = \"from the file\"\ndev_issuer = \"on\"",
    );
    let listens = |variables: &[(&str, &str)], arguments: &[&str]| {
        let output = check(variables, arguments);
        assert!(!output.status.success(), "{output:?}");
        stderr(&output)
    };
    let variable = [("CONFIG", path.as_str()), ("LISTEN", "from the variable")];
    assert!(listens(&variable[..1], &[]).contains("`from the file`"));
    assert!(listens(&[], &["--config", &path]).contains("`from the file`"));
    assert!(listens(&variable, &[]).contains("`from the variable`"));
    assert!(listens(&variable, &["--listen=from the flag"]).contains("`from the flag`"));
    let good = check(&variable, &["--listen", "127.0.0.1:0"]);
    assert!(good.status.success(), "{good:?}");
}

#[test]
fn all_faults_of_file_variables_and_flags_are_reported_together() {
    let folder = TempDir::new().unwrap();
    let path = file(
        folder.path(),
        r#"
        colour = "red"
        audit_days = "many"
        metrics = "perhaps"
        head_seconds = 0
        [issuers.staff]
        issuer = "https://id.example.com"
        audience = "orders"
        preset = "keykloak"
        sign_up = "sometimes"
        [issuers.partners]
        issuer = "https://partners.example.com"
        shoe_size = 42
        [issuers.customers]
        issuer = "https://customers.example.com"
        [issuers.guests]
        issuer = "https://guests.example.com"
        audience = "orders"
        jwks_file = "/nowhere/jwks.json"
        [issuers.local]
        issuer = "https://local.example.com"
        "#,
    );
    let variables = [
        ("USER_CACHE_SECONDS", "soon"),
        ("ISSUERS__STAFF__LEEWAY_SECONDS", "x"),
    ];
    let checked = check(
        &variables,
        &["--config", &path, "--otlp-endpoint", "nowhere"],
    );
    assert!(!checked.status.success());
    let faults = stderr(&checked);
    for fault in [
        "colour:",
        "audit_days:",
        "metrics:",
        "head_seconds:",
        "issuers.local:",
        "user_cache_seconds:",
        "otlp_endpoint:",
        "issuers.partners:",
        "shoe_size",
        "issuers.guests: jwks_file:",
        "keykloak",
        "sometimes",
        "leeway_seconds",
        "no_audience",
    ] {
        assert!(faults.contains(fault), "{fault} in {faults}");
    }
    let nowhere = check(&[], &["--config", "/nowhere/server.toml"]);
    assert!(
        stderr(&nowhere).contains("/nowhere/server.toml"),
        "{nowhere:?}"
    );
}

#[test]
fn an_unknown_word_or_a_flag_without_a_value_is_a_fault() {
    for arguments in [
        &["make-coffee"][..],
        &["--listen"],
        &["-v"],
        &["--colour", "red"],
        &["grant-admin", "x"],
    ] {
        let output = run(&[], arguments);
        assert!(!output.status.success(), "{arguments:?}");
        assert!(stderr(&output).starts_with("error: "), "{output:?}");
    }
}

#[test]
fn check_combined_with_grant_admin_grants_nothing() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("users.sqlite");
    let database = format!("sqlite://{}?mode=rwc", file.display());
    let grant = ["grant-admin", "https://id.example.com", "ana"];
    let checked = check(&[("DATABASE_URL", &database)], &grant);
    assert!(!checked.status.success(), "{checked:?}");
    assert!(stderr(&checked).contains("usage"), "{checked:?}");
    assert!(!file.exists());
}

#[test]
fn head_seconds_is_at_most_a_day() {
    let database = ("DATABASE_URL", "sqlite::memory:");
    let taken = |seconds| {
        let checked = check(
            &[("HEAD_SECONDS", seconds), ("DEV_ISSUER", "on"), database],
            &[],
        );
        checked.status.success()
    };
    assert!(taken("86400"));
    assert!(!taken("86401"));
    assert!(!taken("18446744073709551615"));
}
