//! The user cache: one load for many requests, verdicts for a token each, and invalidations.

mod invalidations;
mod loads;
mod store;
mod verdicts;
