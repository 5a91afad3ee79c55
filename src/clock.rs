//! The time that tokens are checked against.

#[cfg(any(test, feature = "testing"))]
use std::sync::{
    Arc, OnceLock,
    atomic::{AtomicI64, Ordering},
};
use std::time::{Duration, SystemTime};

/// Returns the milliseconds since the Unix epoch, saturating: 0 for earlier times.
pub(crate) fn millis(time: SystemTime) -> i64 {
    time.duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, to_millis)
}

pub(crate) fn to_millis(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX)
}

/// Returns the time of the kernel's last tick, which is at most 10 ms ago. Measured: 15 ns, against
/// 49 ns for [`millis`] of [`SystemTime::now`].
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

/// A clock that returns the present. Clones share a manual clock.
#[derive(Clone, Debug, Default)]
pub(crate) struct Clock {
    /// The clock that replaces the system's, in tests.
    #[cfg(any(test, feature = "testing"))]
    manual: Arc<OnceLock<ManualClock>>,
}

impl Clock {
    pub(crate) fn now(&self) -> i64 {
        self.read(|| millis(SystemTime::now()))
    }

    /// Returns the present, or a time up to 10 ms ago. For remembered tokens, which are checked
    /// against the clock on every request.
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

    /// Reads the time from a manual clock from now on.
    #[cfg(any(test, feature = "testing"))]
    pub(crate) fn set(&self, clock: ManualClock) {
        let _ = self.manual.set(clock);
    }
}

/// A clock that only moves when a test moves it. Clones share the time.
#[cfg(any(test, feature = "testing"))]
#[derive(Clone, Debug)]
pub struct ManualClock(Arc<AtomicI64>);

#[cfg(any(test, feature = "testing"))]
impl ManualClock {
    /// Creates a clock that shows this time.
    #[must_use]
    pub fn at(time: SystemTime) -> Self {
        Self(Arc::new(AtomicI64::new(millis(time))))
    }

    /// Moves the clock forward.
    pub fn advance(&self, by: Duration) {
        self.0.fetch_add(to_millis(by), Ordering::SeqCst);
    }

    /// Moves the clock back, as a time correction does.
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
    fn the_coarse_clock_is_close_to_the_exact_one() {
        let clock = Clock::default();
        let (before, recently, now) = (clock.now(), clock.recently(), clock.now());
        // One second of tolerance, for a machine that suspends the test in between.
        assert!(
            (before - 1000..=now).contains(&recently),
            "{before} {recently} {now}"
        );
    }
}
