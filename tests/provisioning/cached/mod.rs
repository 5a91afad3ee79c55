//! The user cache: one load for many requests, verdicts per token, and invalidations.

mod invalidations;
mod loads;
mod store;
mod verdicts;
