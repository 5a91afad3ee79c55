//! The test issuer as a server: its documents, its token endpoint, its faults.

mod client;
mod documents;
mod endpoints;
mod faults;
mod keys;
mod lifetime;
mod wrong_documents;
