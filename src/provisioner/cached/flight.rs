//! The loads in progress, one for all requests that need the same one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use super::entry::{Verdict, Version};
use crate::identity::Evidence;

/// What is loaded, when the token was issued, and the version at the start: no request joins a load
/// that is older than an invalidation.
pub(super) type Flight = (Evidence, Option<i64>, Version);

/// Receives the verdict when the load ends.
pub(super) type Pending<U> = watch::Receiver<Option<Verdict<U>>>;

/// The loads in progress, and when each one started.
pub(super) struct Flights<U>(Mutex<HashMap<Flight, (Instant, Pending<U>)>>);

impl<U> Default for Flights<U> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<U> Flights<U> {
    /// No code panics while it holds this lock.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Flight, (Instant, Pending<U>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
