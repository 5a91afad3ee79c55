//! Incidents of other systems, each with a test that it cannot happen here.
//!
//! Each test names the record of the incident: real tokens of a real issuer go through the verifier
//! and a provisioner, and no user gets another user's account. If an account exists already, the
//! provisioner is that of the database, on SQLite.

mod addresses;
mod app;
mod identifiers;
mod issuers;
mod standing;
