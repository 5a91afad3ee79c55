//! Tokens that are sent by mail and prove access to a mailbox. The database stores only their hash.

use aws_lc_rs::{digest, rand};

pub fn random() -> String {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the system's random number generator failed");
    hex(&bytes)
}

pub fn hash_of(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
