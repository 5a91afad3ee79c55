//! One load for a crowd, on a task of its own: a client that hangs up takes nobody with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::{sync::watch, time::Instant};

use super::{Inner, entry::Moment, verdict::Verdict};
use crate::{
    identity::{Evidence, Identity},
    provisioner::Provisioner,
};

/// What is loaded, the age of the token that is judged, and when the load began: nobody joins one
/// that is older than an invalidation.
type Flight = (Evidence, Option<i64>, Moment);

type Landing<U> = watch::Receiver<Option<Verdict<U>>>;

/// The loads under way, and when each one started.
pub(super) struct Flights<U>(Mutex<HashMap<Flight, (Instant, Landing<U>)>>);

impl<U> Default for Flights<U> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<U> Flights<U> {
    /// No code panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Flight, (Instant, Landing<U>)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Joins the load under way, or starts one; returns whether it was started.
pub(super) fn board<P: Provisioner>(
    inner: &Arc<Inner<P>>,
    identity: &Identity,
) -> (Landing<P::User>, bool) {
    // Before the read, and part of the flight's name.
    let began = inner.now(identity.key());
    let started = Instant::now();
    // An older token may be revoked, and its verdict is not this one's.
    let flight = (identity.evidence(), identity.issued_at(), began);
    let mut flights = inner.flights.lock();
    // What was read before the TTL is not told, either.
    if let Some((since, flying)) = flights.get(&flight)
        && started < *since + inner.options.ttl
    {
        return (flying.clone(), false);
    }
    let (landed, landing) = watch::channel(None);
    flights.insert(flight, (started, landing.clone()));
    drop(flights);
    let runway = Runway {
        inner: Arc::clone(inner),
        flight,
        started,
    };
    let identity = identity.clone();
    tokio::spawn(async move {
        let inner = &runway.inner;
        let verdict = inner.provisioner.provision(&identity).await;
        let verdict = inner.remember(&identity, began, started, verdict);
        drop(runway);
        let _ = landed.send(Some(verdict));
    });
    (landing, true)
}

/// Clears the flight when the load is over, also when it panicked.
struct Runway<P: Provisioner> {
    inner: Arc<Inner<P>>,
    flight: Flight,
    started: Instant,
}

impl<P: Provisioner> Drop for Runway<P> {
    fn drop(&mut self) {
        let mut flights = self.inner.flights.lock();
        // A newer load may have taken the place of one that was too old to join.
        let since = flights.get(&self.flight).map(|(since, _)| *since);
        if since == Some(self.started) {
            flights.remove(&self.flight);
        }
    }
}
