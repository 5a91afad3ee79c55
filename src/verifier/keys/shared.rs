//! The state that the handles and tasks of one issuer's keys share.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use arc_swap::ArcSwapOption;
use tokio::sync::Notify;

use super::{key_refresh::KeyRefresh, key_set::KeySet, location::Location, progress::Progress};
use crate::{
    clock::{Clock, to_millis},
    fetch::DocumentFetcher,
};

/// The state that the handles and tasks of one issuer's keys share.
pub(super) struct Shared {
    pub(super) issuer: Box<str>,
    pub(super) location: Location,
    pub(super) fetcher: Arc<dyn DocumentFetcher>,
    pub(super) refresh: KeyRefresh,
    clock: Clock,
    pub(super) set: ArcSwapOption<KeySet>,
    progress: Mutex<Progress>,
    /// Wakes the background refresh when the time of the next fetch changes.
    pub(super) rescheduled: Notify,
}

impl Shared {
    pub(super) fn new(
        issuer: &str,
        location: Location,
        fetcher: Arc<dyn DocumentFetcher>,
        refresh: KeyRefresh,
        clock: Clock,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            location,
            fetcher,
            refresh,
            clock,
            set: ArcSwapOption::empty(),
            progress: Mutex::default(),
            rescheduled: Notify::new(),
        }
    }

    /// Locks the progress. No code panics while it holds this lock, so poisoning is ignored.
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Returns whether a set is held that is not too old.
    pub(super) fn is_usable(&self) -> bool {
        let now = self.clock.now();
        self.set
            .load()
            .as_ref()
            .is_some_and(|set| set.is_valid_at(now))
    }

    /// Returns until when a set that is current now is valid, in milliseconds since the Unix epoch.
    pub(super) fn stale_at(&self) -> i64 {
        self.clock
            .now()
            .saturating_add(to_millis(self.refresh.max_stale))
    }
}
