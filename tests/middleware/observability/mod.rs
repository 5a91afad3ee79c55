//! What operators see of a request: its span, its metrics, and what is in neither.

mod metrics;
mod requests;
mod spans;
