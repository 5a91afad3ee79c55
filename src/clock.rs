//! The time that tokens are checked against.

#[cfg(any(test, feature = "testing"))]
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, SystemTime};

/// Milliseconds since the Unix epoch, saturating: a clock before it reads 0.
pub(crate) fn millis(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, to_millis)
}

pub(crate) fn to_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Up to a tick of the kernel ago, 10 ms at most. Measured: 15 ns, and 49 ns for [`millis`] of
/// [`SystemTime::now`].
#[cfg(target_os = "linux")]
fn recent_millis() -> i64 {
    use nix::time::{ClockId, clock_gettime};

    clock_gettime(ClockId::CLOCK_REALTIME_COARSE).map_or_else(
        |_| millis(SystemTime::now()),
        |time| to_millis(Duration::from(time)),
    )
}

#[cfg(not(target_os = "linux"))]
fn recent_millis() -> i64 {
    millis(SystemTime::now())
}

/// The present; clones agree on it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// Set by tests.
    #[cfg(any(test, feature = "testing"))]
    manual: Arc<OnceLock<ManualClock>>,
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        self.read(|| millis(SystemTime::now()))
    }

    /// Returns the present, or a moment up to 10 ms ago: for tokens that were verified before, at
    /// every request.
    #[inline]
    pub(crate) fn recently(&self) -> i64 {
        self.read(recent_millis)
    }

    #[inline]
    fn read(&self, system: impl FnOnce() -> i64) -> i64 {
        #[cfg(any(test, feature = "testing"))]
        if let Some(clock) = self.manual.get() {
            return clock.now();
        }
        system()
    }

    /// Reads the time from a clock that only a test moves, from now on.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set(&self, clock: ManualClock) {
        let _ = self.manual.set(clock);
    }
}

/// Stands still until told otherwise; clones move together.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

#[cfg(any(test, feature = "testing"))]
impl ManualClock {
    /// Starts at an instant.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(Arc::new(AtomicI64::new(millis(time))))
    }

    /// Moves forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves back, as clocks do when they are corrected.
    pub fn rewind(&self, by: Duration) {
        self.0.fetch_sub(to_millis(by), Ordering::SeqCst);
    }

    pub(crate) fn now(&self) -> i64 {
        self.0.load(Ordering::SeqCst)
    }
}

#[cfg(any(test, feature = "testing"))]
impl Default for ManualClock {
    fn default() -> Self {
        Self::at(SystemTime::now())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_recent_past_is_recent() {
        let clock = Clock::default();
        let (before, recently, now) = (clock.now(), clock.recently(), clock.now());
        // A second, for a machine that stops the test in between.
        assert!(
            (before - 1000..=now).contains(&recently),
            "{before} {recently} {now}"
        );
    }
}
