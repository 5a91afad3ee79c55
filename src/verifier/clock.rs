//! The time that tokens are checked against.

use std::time::{Duration, SystemTime};

/// Milliseconds since the Unix epoch, saturating: a clock before it reads 0.
pub(crate) fn millis(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, to_millis)
}

pub(crate) fn to_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// The present; clones agree on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// Set by tests.
    #[cfg(any(test, feature = "testing"))]
    manual: std::sync::Arc<std::sync::OnceLock<crate::testing::ManualClock>>,
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        #[cfg(any(test, feature = "testing"))]
        if let Some(clock) = self.manual.get() {
            return clock.now();
        }
        millis(SystemTime::now())
    }

    /// Reads the time from a clock that only a test moves, from now on.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set(&self, clock: crate::testing::ManualClock) {
        let _ = self.manual.set(clock);
    }
}

/// When a token counts, leeway included: the one predicate of the warm and the cold path.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Validity {
    /// First millisecond.
    pub(crate) from: i64,
    /// First millisecond after.
    pub(crate) until: i64,
}

impl Validity {
    pub(crate) fn covers(self, now: i64) -> bool {
        self.from <= now && now < self.until
    }
}
