//! Loads in progress, each shared by all requests that need the same one.

use std::{
    collections::HashMap,
    sync::{Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use super::entry::{Verdict, Version};
use crate::identity::Evidence;

/// The key of a load: the evidence, the `iat` of the token, and the version at the start of the
/// load. The version keeps a request from joining a load that is older than an invalidation.
pub(super) type Flight = (Evidence, Option<i64>, Version);

/// Receives the verdict when the load ends.
pub(super) type Pending<U> = watch::Receiver<Option<Verdict<U>>>;

/// The loads in progress, with the time at which each one started.
pub(super) struct Flights<U>(Mutex<HashMap<Flight, (Instant, Pending<U>)>>);

impl<U> Default for Flights<U> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<U> Flights<U> {
    /// No code panics while it holds this lock, so a poisoned lock is still consistent.
    pub(super) fn lock(&self) -> MutexGuard<'_, HashMap<Flight, (Instant, Pending<U>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
