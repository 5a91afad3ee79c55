//! The token in a mail: whoever has it reads the mailbox. The database has its hash only.

use aws_lc_rs::{digest, rand};

pub fn random() -> String {
    let mut bytes = [0; 32];
    rand::fill(&mut bytes).expect("the system has randomness");
    hex(&bytes)
}

pub fn hash_of(token: &str) -> String {
    hex(digest::digest(&digest::SHA256, token.as_bytes()).as_ref())
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
