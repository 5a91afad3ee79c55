//! A clock that is right, ahead, behind, and seldom for long.

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

/// The verifier's clock, and everything it has shown.
pub(super) struct JumpingClock {
    clock: ManualClock,
    /// Milliseconds since the Unix epoch. Moved together with the clock, so the last is the present.
    shown: Mutex<Vec<i64>>,
    jumps: AtomicUsize,
}

/// When the clock was read.
#[derive(Clone, Copy)]
pub(super) struct Look(usize);

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

    /// Runs at the pace of the real one for some seconds, and off by another time after them.
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

    pub(super) fn look(&self) -> Look {
        Look(self.shown.lock().expect("a history").len() - 1)
    }

    /// Asks a rule about every moment that was shown since.
    pub(super) fn since(&self, look: Look, passes_at: impl Fn(i64) -> bool) -> Expected {
        let shown = self.shown.lock().expect("a history");
        let moments = shown[look.0..].iter();
        Expected::by_all(moments.map(|now| passes_at(*now).into()))
    }
}

fn real() -> i64 {
    let since_epoch = SystemTime::now().duration_since(UNIX_EPOCH);
    since_epoch.expect("a clock of this century").as_millis() as i64
}
