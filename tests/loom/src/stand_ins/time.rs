//! Time stands still: what is fresh stays fresh, and no pause ends.

pub use real_std::time::*;
