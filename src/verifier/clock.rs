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

#[derive(Clone, Debug, Default)]
pub(crate) enum Clock {
    #[cfg(any(test, feature = "testing"))]
    Manual(crate::testing::ManualClock),
    #[default]
    System,
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        match self {
            #[cfg(any(test, feature = "testing"))]
            Self::Manual(clock) => clock.now(),
            Self::System => millis(SystemTime::now()),
        }
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
