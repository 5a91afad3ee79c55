//! What the files under test import.

pub mod arc_swap;
pub mod error;
pub mod executor;
pub mod hashed;
pub mod identity;
pub mod sync;
pub mod task;
pub mod telemetry;
pub mod time;
