//! How an issuer's keys are doing.

use std::time::{Duration, SystemTime};

/// How an issuer's keys are doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The canonical issuer.
    pub issuer: String,
    /// The usable keys held.
    pub keys: usize,
    /// When keys were last fetched; `None` for static keys, or before the first success.
    pub last_success: Option<SystemTime>,
    /// When a fetch last failed, and why; `None` once a later one succeeded.
    pub last_error: Option<(SystemTime, String)>,
}

impl KeyStatus {
    /// Returns how long ago keys were last fetched; `None` for static keys, or before the first
    /// success.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.last_success.map(|at| at.elapsed().unwrap_or_default())
    }
}
