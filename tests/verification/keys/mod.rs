//! Remote keys: fetched once, refreshed in the background, without delaying valid tokens.
//!
//! Time is paused and advances when every task waits, so a test of an hour takes milliseconds.

mod fetches;
mod metadata;
mod network;
mod outages;
mod reloads;
mod rotation;
mod runtime;
