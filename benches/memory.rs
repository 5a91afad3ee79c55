//! Memory allocated by the verified-token cache, compared with its configured size.
//!
//! The cache is filled with a fifth more tokens than its budget allows, at the documented cost per
//! entry: the token and 512 bytes. Then every token is looked up, and each cached one must return
//! its own subject.
//!
//! `cargo bench --all-features --bench memory`; test mode uses a thousand tokens.

mod fixture;

use std::env;

use tower_jit_provisioning::Algorithm;

use self::fixture::{finish, issuer, subject, token, verifier};

/// Cost of an entry in addition to its token.
const ENTRY: u64 = 512;

/// Allowed deviation of the cache from its budget.
const TOLERANCE: f64 = 0.10;

fn main() {
    let counts: &[u64] = match env::args().any(|argument| argument == "--bench") {
        true => &[100_000, 1_000_000],
        false => &[1_000],
    };
    println!("| tokens | budget | in use | of the budget | remembered | bytes a token |");
    println!("|---:|---:|---:|---:|---:|---:|");
    for count in counts {
        fill(*count);
    }
}

fn fill(count: u64) {
    let algorithm = Algorithm::Hs256;
    let issuer = issuer(algorithm);
    let length = token(&issuer, 0).sign().len() as u64;
    let budget = count * (length + ENTRY);
    let verifier = verifier(&issuer, algorithm).with_cache_capacity(budget);
    let in_use = allocation_counter::measure(|| {
        for number in 0..count * 6 / 5 {
            let token = token(&issuer, number).sign();
            assert!(finish(verifier.verify(&token)).is_ok());
        }
    });
    let in_use = u64::try_from(in_use.bytes_current).expect("more is allocated than freed");
    let mut remembered = 0;
    for number in 0..count * 6 / 5 {
        if let Some(identity) = verifier.cached(&token(&issuer, number).sign()) {
            assert_eq!(identity.subject(), subject(number));
            remembered += 1;
        }
    }
    let share = in_use as f64 / budget as f64;
    println!(
        "| {count} | {budget} | {in_use} | {share:.3} | {remembered} | {} |",
        in_use / remembered
    );
    // A small cache reserves a part of its few shards for new entries.
    if count >= 100_000 {
        assert!((share - 1.0).abs() <= TOLERANCE, "{share}");
    }
}
