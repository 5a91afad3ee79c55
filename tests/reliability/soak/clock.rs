//! A clock that is right, ahead or behind, and changes after a few seconds.

use std::{
    sync::{
        Mutex,
        atomic::{AtomicUsize, Ordering},
    },
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use tokio::time::sleep;
use tower_jit_provisioning::testing::ManualClock;

use super::expected::Expected;
use crate::random;

const TICK: Duration = Duration::from_millis(50);

const FIVE_MINUTES: i64 = 5 * 60 * 1000;

/// The verifier's clock, and all times it has shown.
pub(super) struct JumpingClock {
    clock: ManualClock,
    /// Milliseconds since the Unix epoch. Updated together with the clock, so the last entry is the
    /// current time.
    shown: Mutex<Vec<i64>>,
    jumps: AtomicUsize,
}

/// Position in the list of times when the clock was read.
#[derive(Clone, Copy)]
pub(super) struct Reading(usize);

impl JumpingClock {
    pub(super) fn new() -> Self {
        let now = real();
        let since_epoch = Duration::from_millis(now.unsigned_abs());
        Self {
            clock: ManualClock::at(UNIX_EPOCH + since_epoch),
            shown: Mutex::new(vec![now]),
            jumps: AtomicUsize::new(0),
        }
    }

    pub(super) fn clock(&self) -> ManualClock {
        self.clock.clone()
    }

    pub(super) fn jumps(&self) -> usize {
        self.jumps.load(Ordering::SeqCst)
    }

    /// Follows the real clock for some seconds, and then jumps to another offset.
    pub(super) async fn jump(&self) {
        let off = match random(6) {
            0 => FIVE_MINUTES,
            1 => -FIVE_MINUTES,
            2 => random(8) as i64 * FIVE_MINUTES / 2 - 2 * FIVE_MINUTES,
            _ => 0,
        };
        for _ in 0..random(60) {
            self.set(real() + off);
            sleep(TICK).await;
        }
        self.jumps.fetch_add(1, Ordering::SeqCst);
    }

    fn set(&self, to: i64) {
        let mut shown = self.shown.lock().expect("a history");
        let by = to - shown[shown.len() - 1];
        shown.push(to);
        let span = Duration::from_millis(by.unsigned_abs());
        match by.is_negative() {
            true => self.clock.rewind(span),
            false => self.clock.advance(span),
        }
    }

    pub(super) fn read(&self) -> Reading {
        Reading(self.shown.lock().expect("a history").len() - 1)
    }

    /// Evaluates a rule at every time that was shown since a reading.
    pub(super) fn since(&self, reading: Reading, passes_at: impl Fn(i64) -> bool) -> Expected {
        let shown = self.shown.lock().expect("a history");
        let times = shown[reading.0..].iter();
        Expected::by_all(times.map(|now| passes_at(*now).into()))
    }
}

fn real() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.expect("a clock after 1970").as_millis() as i64
}
