//! Incidents of other systems, each as a test that it cannot happen here.
//!
//! Each test names the record of what went wrong elsewhere: real tokens of a real issuer go through
//! the verifier and a provisioner, and nobody becomes somebody else. Where an account exists
//! already, the provisioner is the database's, on SQLite.

mod addresses;
mod app;
mod identifiers;
mod issuers;
mod standing;
