//! Stand-ins for the imports of the files under test.

pub mod arc_swap;
pub mod clock;
pub mod error;
pub mod executor;
pub mod fetch;
pub mod hashed;
pub mod identity;
pub mod principal;
pub mod sync;
pub mod task;
pub mod telemetry;
pub mod time;
