//! The state of an issuer's keys, for probes and operators.

use std::time::{Duration, SystemTime};

/// State of one issuer's keys.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The canonical issuer.
    pub issuer: String,
    /// The number of usable keys held.
    pub keys: usize,
    /// When keys were last fetched. `None` means static keys, or no success yet.
    pub last_success: Option<SystemTime>,
    /// When the last fetch failed, and the cause. `None` means that no fetch failed since the last
    /// success.
    pub last_error: Option<(SystemTime, String)>,
}

impl KeyStatus {
    /// Returns how long ago keys were last fetched. `None` means static keys, or no success yet.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.last_success.map(|at| at.elapsed().unwrap_or_default())
    }
}
