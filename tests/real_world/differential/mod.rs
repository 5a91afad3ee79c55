//! Comparison with other JWT libraries: joserfc, PyJWT, Authlib and jwcrypto.
//!
//! Each library mints valid tokens, which must pass here, and invalid tokens, which must not. Of
//! valid tokens with a few changed characters, this crate may accept none that two of the four
//! libraries reject. `DIFFERENTIAL_TOKENS` sets the number of changed tokens, `DIFFERENTIAL_SEED`
//! their seed.
//!
//! Needs `python3` with `ensurepip`, without which the trial is listed as ignored; the packages are
//! installed once into cargo's target folder.

use std::{
    collections::BTreeMap,
    env, fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
};

use libtest_mimic::{Failed, Trial};
use serde::Deserialize;
use serde_json::Value;
use tempfile::TempDir;
use tokio::runtime::Runtime;
use tower_jit_provisioning::{Algorithm, JwtVerifier, KeySource, TrustedIssuer};

const PACKAGES: [&str; 4] = [
    "joserfc==1.8.0",
    "PyJWT[crypto]==2.15.1",
    "Authlib==1.9.10",
    "jwcrypto==1.6.1",
];

const SCRIPT: &str = include_str!("peers.py");

#[derive(Deserialize)]
struct Report {
    jwks: Value,
    peers: Vec<String>,
    tokens: Vec<Token>,
}

#[derive(Deserialize)]
struct Token {
    made_by: String,
    name: String,
    token: String,
    /// `None` means that only the other libraries decide.
    good: Option<bool>,
    accepted: Vec<String>,
}

pub(crate) fn trial() -> Trial {
    let name = "this_crate_accepts_what_its_peers_mint_and_nothing_that_two_of_them_refuse";
    let has = |command: &[&str]| {
        let status = Command::new("python3").args(command).output();
        status.is_ok_and(|output| output.status.success())
    };
    let missing = match has(&["-c", "import ensurepip"]) {
        true => None,
        false => Some("python3 with ensurepip is not installed"),
    };
    let trial = Trial::test(name, compare);
    match missing {
        None => trial,
        Some(reason) => trial.with_kind(reason).with_ignored_flag(true),
    }
}

fn compare() -> Result<(), Failed> {
    let setting = |name, default: &str| env::var(name).unwrap_or_else(|_| default.to_owned());
    let script = Command::new(interpreter()?)
        .args(["-c", SCRIPT])
        .arg(setting("DIFFERENTIAL_SEED", "1"))
        .arg(setting("DIFFERENTIAL_TOKENS", "500"))
        .stdin(Stdio::null())
        .output()?;
    if !script.status.success() {
        return Err(String::from_utf8_lossy(&script.stderr).into());
    }
    let report: Report = serde_json::from_slice(&script.stdout)?;
    let keys = KeySource::jwks(report.jwks.to_string());
    let issuer =
        TrustedIssuer::new("https://id.example.com", "orders-api", keys).with_algorithms([
            Algorithm::Rs256,
            Algorithm::Rs512,
            Algorithm::Ps256,
            Algorithm::Es256,
            Algorithm::Es384,
            Algorithm::Es512,
            Algorithm::EdDsa,
        ]);
    let verifier = JwtVerifier::new([issuer])?;
    let runtime = Runtime::new()?;

    let mut faults = Vec::new();
    let mut accepted: BTreeMap<&str, usize> = BTreeMap::new();
    for token in &report.tokens {
        let passes = runtime.block_on(verifier.verify(&token.token)).is_ok();
        let refusals = report.peers.len() - token.accepted.len();
        if token.good.is_some_and(|good| good != passes) || (passes && refusals >= 2) {
            faults.push(format!(
                "{} by {}: passes: {passes}, accepted by {:?}\n  {}",
                token.name, token.made_by, token.accepted, token.token
            ));
        }
        let names = token.accepted.iter().map(String::as_str);
        for name in names.chain(passes.then_some("this crate")) {
            *accepted.entry(name).or_default() += 1;
        }
    }
    let total = report.tokens.len();
    let good = report
        .tokens
        .iter()
        .filter(|token| token.good == Some(true));
    println!(
        "\n  {total} tokens, {} of them good; accepted by",
        good.count()
    );
    for (name, count) in &accepted {
        println!("    {name:<12}{count:>6}");
    }
    assert!(
        report.peers.len() == 4 && total > 300,
        "there was nothing to compare"
    );
    match faults.as_slice() {
        [] => Ok(()),
        _ => Err(faults.join("\n").into()),
    }
}

/// Installs the pinned packages once, and returns the interpreter that can import them.
fn interpreter() -> io::Result<PathBuf> {
    let target = Path::new(env!("CARGO_TARGET_TMPDIR"));
    let folder = target.join(PACKAGES.join("-").replace(['=', '[', ']'], ""));
    if !folder.exists() {
        // The folder gets its final name when it is complete, so that an interrupted run leaves no
        // partial one.
        let partial = TempDir::new_in(target)?;
        run(Command::new("python3")
            .args(["-m", "venv"])
            .arg(partial.path()))?;
        let mut pip = Command::new(partial.path().join("bin/python"));
        pip.args([
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
        ]);
        run(pip.args(["--only-binary", ":all:"]).args(PACKAGES))?;
        fs::rename(partial.keep(), &folder)?;
    }
    Ok(folder.join("bin/python"))
}

fn run(command: &mut Command) -> io::Result<()> {
    let output = command.stdin(Stdio::null()).output()?;
    match output.status.success() {
        true => Ok(()),
        false => Err(io::Error::other(String::from_utf8_lossy(&output.stderr))),
    }
}
