//! Users in memory for a few seconds, and one load for a crowd.
//!
//! ```
//! use std::time::Duration;
//! use tower_jit_provisioning::{CachedProvisioner, MemoryProvisioner};
//!
//! let users = CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(10));
//! # let _ = users;
//! ```
//!
//! An entry belongs to an identity *and* everything that policy and mapping read from its token:
//! two tokens of one person with different roles never share a verdict. Times are not part of it,
//! so a refreshed token finds the entry of the one before; whether a token is older than its user's
//! revocation is asked at every hit.
//!
//! # What a change costs
//!
//! A user who is changed behind the cache's back is served as he was for up to the TTL, 30 seconds
//! by default. A handler that changes a user calls [`CachedProvisioner::invalidate`]; loads that
//! began before it do not bring the old user back. Other processes notice within their TTL.
//!
//! A provisioner that reads claims this crate does not map ([`Identity::claims`]) should not be
//! cached, or not for longer than a change of those claims may take.

use std::{
    collections::HashMap,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use quick_cache::sync::Cache;
use tokio::{sync::watch, time::Instant};

use super::{
    ProvisionError, Provisioned, Provisioner, invalidation::Epochs, policy::admission::is_revoked,
};
use crate::identity::{Evidence, Identity, IdentityKey};

const TTL: Duration = Duration::from_secs(30);

/// No clock counts to `Duration::MAX`.
const MAX_TTL: Duration = Duration::from_secs(24 * 60 * 60);

/// How long a refusal is remembered: long enough for a client that insists, and no longer than an
/// operator waits after lifting it.
const REFUSAL_TTL: Duration = Duration::from_secs(2);

const CAPACITY: usize = 100_000;

/// Remembers another provisioner's users. See the [module docs](self).
///
/// Cheap to clone; clones share the cache.
pub struct CachedProvisioner<P: Provisioner>(Arc<Inner<P>>);

struct Inner<P: Provisioner> {
    provisioner: Arc<P>,
    entries: Cache<Evidence, Entry<P::User>>,
    epochs: Epochs,
    flights: Mutex<Flights<P::User>>,
    ttl: Duration,
    capacity: usize,
}

/// A load under way: what it loads, the age of the token that is judged, and the epoch it began in.
type Flight = (Evidence, Option<i64>, u64);

type Flights<U> = HashMap<Flight, watch::Receiver<Option<Verdict<U>>>>;

type Verdict<U> = Result<Provisioned<U>, ProvisionError>;

struct Entry<U> {
    verdict: Verdict<U>,
    epoch: u64,
    fresh_until: Instant,
}

impl<U> Clone for Entry<U> {
    fn clone(&self) -> Self {
        Self {
            verdict: self.verdict.clone(),
            epoch: self.epoch,
            fresh_until: self.fresh_until,
        }
    }
}

impl<P: Provisioner> CachedProvisioner<P> {
    /// Remembers up to 100,000 users for 30 seconds each.
    #[must_use]
    pub fn new(provisioner: P) -> Self {
        Self::build(Arc::new(provisioner), TTL, CAPACITY)
    }

    /// Sets how long a user is remembered, and so how long a change made elsewhere may go
    /// unnoticed; at most a day. Default: 30 seconds. Empties the cache.
    #[must_use]
    pub fn with_ttl(self, ttl: Duration) -> Self {
        let ttl = ttl.min(MAX_TTL);
        Self::build(Arc::clone(&self.0.provisioner), ttl, self.0.capacity)
    }

    /// Bounds the number of users remembered. Default: 100,000. Empties the cache.
    #[must_use]
    pub fn with_capacity(self, users: usize) -> Self {
        Self::build(Arc::clone(&self.0.provisioner), self.0.ttl, users)
    }

    fn build(provisioner: Arc<P>, ttl: Duration, capacity: usize) -> Self {
        Self(Arc::new(Inner {
            provisioner,
            entries: Cache::new(capacity),
            epochs: Epochs::new(),
            flights: Mutex::default(),
            ttl,
            capacity,
        }))
    }

    /// Returns the provisioner behind the cache.
    #[must_use]
    pub fn provisioner(&self) -> &P {
        &self.0.provisioner
    }

    /// Forgets the user behind an identity, at once and in this process.
    pub fn invalidate(&self, key: IdentityKey) {
        self.0.epochs.invalidate(key);
    }

    /// Forgets every user, at once and in this process.
    pub fn invalidate_all(&self) {
        self.0.epochs.invalidate_all();
    }

    /// Joins the load under way for this evidence and epoch, or starts one on a task of its own:
    /// a client that hangs up takes nobody with it. Returns whether it was started.
    fn board(&self, identity: &Identity) -> (watch::Receiver<Option<Verdict<P::User>>>, bool) {
        // Before the read, and part of the flight's name: nobody joins a load that is older than an
        // invalidation.
        let epoch = self.0.epochs.current(identity.key());
        // An older token may be revoked, and its verdict is not this one's.
        let flight = (identity.evidence(), identity.issued_at(), epoch);
        let mut flights = self.0.flights();
        if let Some(flying) = flights.get(&flight) {
            return (flying.clone(), false);
        }
        let (landed, landing) = watch::channel(None);
        flights.insert(flight, landing.clone());
        drop(flights);
        let (runway, identity) = (Runway(Arc::clone(&self.0), flight), identity.clone());
        tokio::spawn(async move {
            let inner = &runway.0;
            let verdict = inner.provisioner.provision(&identity).await;
            inner.remember(identity.evidence(), epoch, &verdict);
            drop(runway);
            let _ = landed.send(Some(verdict));
        });
        (landing, true)
    }
}

impl<P: Provisioner> Inner<P> {
    /// No code panics while it holds this lock.
    fn flights(&self) -> MutexGuard<'_, Flights<P::User>> {
        self.flights.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn remember(&self, evidence: Evidence, epoch: u64, verdict: &Verdict<P::User>) {
        let (verdict, ttl) = match verdict {
            Ok(provisioned) => (Ok(provisioned.as_found()), self.ttl),
            Err(error @ (ProvisionError::Conflict | ProvisionError::Denied(_))) => {
                (Err(error.clone()), REFUSAL_TTL.min(self.ttl))
            }
            // A fresh token may pass, a store may be back.
            Err(ProvisionError::Revoked | ProvisionError::Unavailable(_)) => return,
        };
        let entry = Entry {
            verdict,
            epoch,
            fresh_until: Instant::now() + ttl,
        };
        self.entries.insert(evidence, entry);
    }

    /// Returns what is remembered and still counts for this token.
    fn recall(&self, identity: &Identity) -> Option<Verdict<P::User>> {
        let entry = self.entries.get(&identity.evidence())?;
        let counts = entry.epoch == self.epochs.current(identity.key())
            && Instant::now() < entry.fresh_until;
        counts.then(|| judge(identity, entry.verdict))
    }
}

/// A user remembered for another token was not asked about this one.
fn judge<U>(identity: &Identity, verdict: Verdict<U>) -> Verdict<U> {
    let provisioned = verdict?;
    match is_revoked(identity, provisioned.tokens_valid_after()) {
        true => Err(ProvisionError::Revoked),
        false => Ok(provisioned),
    }
}

/// Clears the flight when the load is over, also when it panicked.
struct Runway<P: Provisioner>(Arc<Inner<P>>, Flight);

impl<P: Provisioner> Drop for Runway<P> {
    fn drop(&mut self) {
        self.0.flights().remove(&self.1);
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
        let (mut flight, is_first) = self.board(identity);
        let landed = flight.wait_for(Option::is_some).await;
        // The sender is gone without a word: the provisioner panicked.
        let verdict = landed.map_err(ProvisionError::unavailable)?.clone();
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
            .field("ttl", &self.0.ttl)
            .finish_non_exhaustive()
    }
}
