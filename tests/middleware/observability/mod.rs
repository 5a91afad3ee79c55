//! Telemetry of a request: its span, its metrics, and the data in neither.

mod metrics;
mod requests;
mod spans;
