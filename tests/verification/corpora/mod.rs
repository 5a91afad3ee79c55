//! Published test vectors, each with its verdict: Wycheproof's JOSE files, and the examples of the
//! RFCs. Their payloads are mostly no claims, so they are checked as far as the signature.
//!
//! `cargo test --features testing --test verification corpora -- --nocapture` prints the counts.

mod rfc;
mod verdict;
mod wycheproof;
