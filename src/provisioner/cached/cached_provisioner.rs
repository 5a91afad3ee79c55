//! The cache in front of a provisioner.

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

/// No clock counts to `Duration::MAX`.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

const CAPACITY: usize = 100_000;

/// Remembers another provisioner's users.
///
/// ```
/// use std::time::Duration;
/// use tower_jit_provisioning::{CachedProvisioner, MemoryProvisioner};
///
/// let users = CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(10));
/// # let _ = users;
/// ```
///
/// An entry belongs to an identity *and* everything that policy and mapping read from its token:
/// two tokens of one person with different roles never share a verdict. Times are not part of it,
/// so a refreshed token finds the entry of the one before; whether a token is older than its user's
/// revocation is asked at every hit.
///
/// # What a change costs
///
/// A user who is changed behind the cache's back is served as he was for up to the TTL, 30 seconds
/// by default. It counts from the moment a read began, so a slow one adds nothing to it. A handler
/// that changes a user calls [`CachedProvisioner::invalidate`]; loads that began before it do not
/// bring the old user back. Other processes notice within their TTL, or at once if they
/// [listen](CachedProvisioner::listen) to a bus that carries invalidations. When a bus breaks and
/// when it is back, invalidations may have been missed, and everything remembered until then is read
/// again before it counts; in between, the TTL is the bound.
///
/// # While the store is down
///
/// Nobody new gets in, and by default nobody known either, once his entry is old: 503. With
/// [`CachedProvisioner::with_stale_for`] the last known user serves a while longer, as what the
/// application makes of him: usually himself without privileged roles, which nobody can take away
/// meanwhile.
///
/// A provisioner that reads claims this crate does not map ([`Identity::claims`](crate::Principal::claims)) should not be
/// cached, or not for longer than a change of those claims may take.
///
/// Cheap to clone; clones share the cache.
pub struct CachedProvisioner<P: Provisioner>(Arc<Inner<P>>);

impl<P: Provisioner> CachedProvisioner<P> {
    /// Remembers up to 100,000 users for 30 seconds each.
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

    /// Sets how long a user is remembered, and so how long a change made elsewhere may go
    /// unnoticed; at most a day. Default: 30 seconds. Empties the cache.
    ///
    /// With zero every request reads for itself.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        let ttl = ttl.min(MAX_TTL);
        self.rebuild(|options| options.ttl = ttl)
    }

    /// Bounds the number of users remembered. Default: 100,000. Empties the cache.
    #[must_use]
    pub fn with_capacity(self, users: usize) -> Self {
        self.rebuild(|options| options.capacity = users)
    }

    /// Sets for how long after the last good read a known user serves while the store fails; at most
    /// a day. Default: zero, so not at all. Empties the cache.
    ///
    /// `unprivileged` makes the user that is served meanwhile, or `None` for nobody: usually the
    /// same without the roles that nobody could take away at that time. Deactivations this process
    /// knows of stay known, and unknown users stay out.
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

    /// Returns the provisioner behind the cache.
    #[must_use]
    pub fn provisioner(&self) -> &P {
        &self.0.provisioner
    }

    /// Forgets the user behind an identity, at once and in this process.
    pub fn invalidate(&self, key: IdentityKey) {
        self.0.invalidations.epochs.invalidate(key);
    }

    /// Forgets every user, at once and in this process.
    pub fn invalidate_all(&self) {
        self.0.invalidations.epochs.invalidate_all();
    }

    /// Forgets whom a bus names, from now until the last handle to the cache is gone.
    ///
    /// # Panics
    ///
    /// Outside of a tokio runtime.
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
    /// Returns the verdict that the cache alone would give, for an explanation.
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
