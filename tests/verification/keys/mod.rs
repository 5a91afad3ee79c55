//! Remote keys: fetched once, refreshed in the background, never in the way of a good token.
//!
//! Time is paused and moves when every task waits, so a test of an hour takes milliseconds.

mod fetches;
mod metadata;
mod network;
mod outages;
mod reloads;
mod rotation;
mod runtime;
