//! Published test vectors, each with its expected result: Wycheproof's JOSE files, and the examples
//! of the RFCs. Most of their payloads are not claims, so the tests check them up to and including
//! the signature.
//!
//! `cargo test --features testing --test verification corpora -- --nocapture` prints the counts.

mod rfc;
mod verdict;
mod wycheproof;
