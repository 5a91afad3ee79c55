//! The layer as a tower service: readiness, cancellation, clones, and surrounding services.

mod calls;
mod cancellation;
mod clones;
mod limits;
mod memory;
mod readiness;
mod services;
mod types;
