//! The layer as a tower service: readiness, cancellation, clones, and what surrounds it.

mod calls;
mod cancellation;
mod clones;
mod limits;
mod memory;
mod readiness;
mod services;
mod types;
