//! Hostile and honest tokens against the verifier.
//!
//! Each hostile token fails exactly the check that is meant for it, and each table first proves that
//! the token it changes would have passed.

mod algorithms;
mod audiences;
mod cache;
mod configuration;
mod identity;
mod issuers;
mod keys;
mod lab;
mod members;
mod properties;
mod provider;
mod serialization;
mod signatures;
mod subjects;
mod times;
mod types;
