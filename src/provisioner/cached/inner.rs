//! State shared by all clones of the cache and its loads.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use tokio::task::AbortHandle;

use super::{
    entry::{Entry, Version},
    epochs::Epochs,
    flight::Flights,
};
use crate::{
    hashed::Cache, identity::Evidence, principal::IdentityKey,
    provisioner::provisioner::Provisioner,
};

pub(super) struct Inner<P: Provisioner> {
    pub(super) provisioner: Arc<P>,
    pub(super) entries: Cache<Evidence, Entry<P::User>>,
    pub(super) flights: Flights<P::User>,
    pub(super) invalidations: Arc<Invalidations>,
    pub(super) options: Options<P::User>,
}

impl<P: Provisioner> Inner<P> {
    pub(super) fn version(&self, key: IdentityKey) -> Version {
        Version {
            epoch: self.invalidations.epochs.current(key),
            bus_losses: self.invalidations.bus_losses.load(Ordering::Acquire),
        }
    }
}

/// Shared by every clone, including those made before an option was set.
pub(super) struct Invalidations {
    pub(super) epochs: Epochs,
    pub(super) bus_losses: AtomicU64,
    pub(super) listeners: Mutex<Vec<AbortHandle>>,
}

impl Drop for Invalidations {
    fn drop(&mut self) {
        let listeners = self.listeners.get_mut();
        for listener in listeners.unwrap_or_else(PoisonError::into_inner) {
            listener.abort();
        }
    }
}

pub(super) struct Options<U> {
    pub(super) ttl: Duration,
    pub(super) capacity: usize,
    pub(super) stale_for: Duration,
    /// Returns the user for the time of an outage.
    pub(super) unprivileged: Arc<Unprivileged<U>>,
}

type Unprivileged<U> = dyn Fn(&U) -> Option<U> + Send + Sync;

impl<U> Clone for Options<U> {
    fn clone(&self) -> Self {
        Self {
            unprivileged: Arc::clone(&self.unprivileged),
            ..*self
        }
    }
}
