//! Tokens, keys and issuers: what is verified, with which keys, and as which identity.
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
