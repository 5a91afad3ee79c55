//! Verification of tokens: keys, issuers, claims and the resulting identity.
#![cfg(feature = "testing")]

mod config;
mod corpora;
mod explain;
#[cfg(feature = "jwks")]
mod fetching;
mod keys;
mod providers;
mod test_issuer;
mod tokens;
