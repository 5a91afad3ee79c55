//! Hostile and valid tokens against the verifier.
//!
//! Each hostile token fails exactly the check meant for it, and each table first proves that the
//! unmodified token passes.

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
