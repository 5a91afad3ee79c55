//! Cache in front of a provisioner.

use std::{
    fmt,
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use async_trait::async_trait;

use super::{
    bus::{BusEvent, InvalidationBus},
    entry::Verdict,
    epochs::Epochs,
    flight::Flights,
    inner::{Inner, Invalidations, Options},
    load::join_or_start,
};
use crate::{
    error::ProvisionError,
    hashed,
    identity::Identity,
    principal::IdentityKey,
    provisioner::{provisioned::Provisioned, provisioner::Provisioner},
};

const TTL: Duration = Duration::from_secs(30);

/// `Instant` overflows when `Duration::MAX` is added to it.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

const CAPACITY: usize = 100_000;

/// Provisioner that caches the users of another provisioner.
///
/// ```
/// use std::time::Duration;
/// use tower_jit_provisioning::{CachedProvisioner, MemoryProvisioner};
///
/// let users = CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(10));
/// # let _ = users;
/// ```
///
/// The key of an entry is the identity *and* everything that policy and mapping read from its
/// token, so two tokens of one user with different roles never share an entry. Times are not part
/// of the key, so a refreshed token finds the entry of its predecessor. Revocation is checked on
/// every hit.
///
/// # Staleness
///
/// After a change to a user in the store, the cache returns the old user for up to the TTL, 30
/// seconds by default. The TTL starts when the read starts, so a slow read does not extend it.
///
/// * A handler that changes a user calls [`invalidate`](CachedProvisioner::invalidate). Loads that
///   started before the call are discarded too.
/// * Other processes see the change within their TTL, or at once if they
///   [listen](CachedProvisioner::listen) to a bus that publishes invalidations.
/// * When a bus loses its connection, and again when the connection is restored, invalidations may
///   have been lost. Every entry from before that event is read again before it is used. While the
///   connection is down, staleness is bounded by the TTL.
///
/// # Unavailable stores
///
/// While the store is unavailable, requests of unknown users get 503. By default, so do requests of
/// known users after their entry has expired. [`with_stale_for`](CachedProvisioner::with_stale_for)
/// keeps the last known user for a limited time, after the application has removed privileged roles
/// that cannot be revoked during the outage.
///
/// # Claims
///
/// Claims that this crate does not map ([`Identity::claims`](crate::Principal::claims)) are not
/// part of the key. If a provisioner reads such claims, don't cache it, or set a TTL within which a
/// change of these claims may go unnoticed.
///
/// Clones share the cache, and are cheap.
pub struct CachedProvisioner<P: Provisioner>(Arc<Inner<P>>);

impl<P: Provisioner> CachedProvisioner<P> {
    /// Creates a cache of up to 100,000 entries with a TTL of 30 seconds.
    #[must_use]
    pub fn new(provisioner: P) -> Self {
        let options = Options {
            ttl: TTL,
            capacity: CAPACITY,
            stale_for: Duration::ZERO,
            unprivileged: Arc::new(|_| None),
        };
        let invalidations = Arc::new(Invalidations {
            epochs: Epochs::new(),
            bus_losses: AtomicU64::new(0),
            listeners: Mutex::default(),
        });
        Self::build(Arc::new(provisioner), invalidations, options)
    }

    /// Sets the TTL of an entry, and with it the time for which a change in another process may go
    /// unnoticed. At most one day. Empties the cache.
    ///
    /// With a TTL of zero, every request reads the store.
    ///
    /// Default: 30 seconds.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        let ttl = ttl.min(MAX_TTL);
        self.rebuild(|options| options.ttl = ttl)
    }

    /// Sets the maximum number of entries. Empties the cache.
    ///
    /// Default: 100,000.
    #[must_use]
    pub fn with_capacity(self, users: usize) -> Self {
        self.rebuild(|options| options.capacity = users)
    }

    /// Sets how long after its last successful read a known user is still returned while the store
    /// is unavailable. At most one day. Empties the cache.
    ///
    /// `unprivileged` returns the user for the time of the outage, usually without the roles that
    /// could not be revoked during it. `None` means that the request gets 503. Deactivations that
    /// this process has seen still apply, and unknown users are refused.
    ///
    /// Default: zero, so a known user is not returned after its entry has expired.
    ///
    /// ```
    /// use std::time::Duration;
    /// use tower_jit_provisioning::{CachedProvisioner, MemoryProvisioner, MemoryUser};
    ///
    /// let users = CachedProvisioner::new(MemoryProvisioner::new())
    ///     .with_stale_for(Duration::from_secs(600), |user: &MemoryUser| {
    ///         let mut user = user.clone();
    ///         user.roles.retain(|role| role != "admin");
    ///         Some(user)
    ///     });
    /// # let _ = users;
    /// ```
    #[must_use]
    pub fn with_stale_for(
        self,
        stale_for: Duration,
        unprivileged: impl Fn(&P::User) -> Option<P::User> + Send + Sync + 'static,
    ) -> Self {
        self.rebuild(|options| {
            options.stale_for = stale_for.min(MAX_TTL);
            options.unprivileged = Arc::new(unprivileged);
        })
    }

    fn rebuild(self, change: impl FnOnce(&mut Options<P::User>)) -> Self {
        let mut options = self.0.options.clone();
        change(&mut options);
        let invalidations = Arc::clone(&self.0.invalidations);
        Self::build(Arc::clone(&self.0.provisioner), invalidations, options)
    }

    fn build(
        provisioner: Arc<P>,
        invalidations: Arc<Invalidations>,
        options: Options<P::User>,
    ) -> Self {
        Self(Arc::new(Inner {
            provisioner,
            entries: hashed::cache(options.capacity),
            flights: Flights::default(),
            invalidations,
            options,
        }))
    }

    /// Returns a reference to the inner provisioner.
    #[must_use]
    pub fn provisioner(&self) -> &P {
        &self.0.provisioner
    }

    /// Removes the user of an identity from the cache of this process, immediately.
    pub fn invalidate(&self, key: IdentityKey) {
        self.0.invalidations.epochs.invalidate(key);
    }

    /// Removes every user from the cache of this process, immediately.
    pub fn invalidate_all(&self) {
        self.0.invalidations.epochs.invalidate_all();
    }

    /// Spawns a task that applies the invalidations from a bus, until the last clone of the cache
    /// is dropped.
    ///
    /// # Panics
    ///
    /// Panics outside of a Tokio runtime.
    pub fn listen(&self, bus: impl InvalidationBus) {
        let invalidations = Arc::downgrade(&self.0.invalidations);
        let listening = tokio::spawn(async move {
            loop {
                let event = bus.next().await;
                let Some(invalidations) = invalidations.upgrade() else {
                    return;
                };
                match event {
                    BusEvent::Invalidate(key) => drop(invalidations.epochs.invalidate(key)),
                    BusEvent::InvalidateAll => invalidations.epochs.invalidate_all(),
                    BusEvent::Lost => {
                        invalidations.bus_losses.fetch_add(1, Ordering::AcqRel);
                    }
                }
            }
        });
        let listeners = self.0.invalidations.listeners.lock();
        let mut listeners = listeners.unwrap_or_else(PoisonError::into_inner);
        listeners.push(listening.abort_handle());
    }
}

impl<P: Provisioner> CachedProvisioner<P> {
    /// Returns the cached verdict, for an explanation.
    pub(crate) fn remembered(&self, identity: &Identity) -> Option<Verdict<P::User>> {
        self.0.recall(identity)
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<P: Provisioner> Provisioner for CachedProvisioner<P> {
    type User = P::User;

    async fn provision(&self, identity: &Identity) -> Verdict<P::User> {
        if let Some(verdict) = self.0.recall(identity) {
            return verdict;
        }
        let (mut pending, is_first) = join_or_start(&self.0, identity);
        let verdict = pending.wait_for(Option::is_some).await;
        // The sender was dropped without a verdict: the provisioner panicked.
        let verdict = verdict.map_err(ProvisionError::unavailable)?.clone();
        match verdict {
            None => Err(ProvisionError::unavailable(
                "the load ended without a verdict",
            )),
            Some(verdict) if is_first => verdict,
            Some(verdict) => verdict.map(|provisioned| provisioned.as_found()),
        }
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<P::User>> {
        self.0.recall(identity)?.ok()
    }
}

impl<P: Provisioner> Clone for CachedProvisioner<P> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<P: Provisioner> fmt::Debug for CachedProvisioner<P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CachedProvisioner")
            .field("entries", &self.0.entries.len())
            .field("ttl", &self.0.options.ttl)
            .finish_non_exhaustive()
    }
}
