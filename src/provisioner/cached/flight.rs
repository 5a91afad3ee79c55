//! One load for a crowd, on a task of its own: a client that hangs up takes nobody with it.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
};

use tokio::sync::watch;

use super::{Inner, Moment, Verdict};
use crate::{
    identity::{Evidence, Identity},
    provisioner::Provisioner,
};

/// What is loaded, the age of the token that is judged, and when the load began: nobody joins one
/// that is older than an invalidation.
type Flight = (Evidence, Option<i64>, Moment);

type Landing<U> = watch::Receiver<Option<Verdict<U>>>;

/// The loads under way.
pub(super) struct Flights<U>(Mutex<HashMap<Flight, Landing<U>>>);

impl<U> Default for Flights<U> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<U> Flights<U> {
    /// No code panics while it holds this lock.
    fn lock(&self) -> MutexGuard<'_, HashMap<Flight, Landing<U>>> {
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
    // An older token may be revoked, and its verdict is not this one's.
    let flight = (identity.evidence(), identity.issued_at(), began);
    let mut flights = inner.flights.lock();
    if let Some(flying) = flights.get(&flight) {
        return (flying.clone(), false);
    }
    let (landed, landing) = watch::channel(None);
    flights.insert(flight, landing.clone());
    drop(flights);
    let (runway, identity) = (Runway(Arc::clone(inner), flight), identity.clone());
    tokio::spawn(async move {
        let inner = &runway.0;
        let verdict = inner.provisioner.provision(&identity).await;
        let verdict = inner.remember(&identity, began, verdict);
        drop(runway);
        let _ = landed.send(Some(verdict));
    });
    (landing, true)
}

/// Clears the flight when the load is over, also when it panicked.
struct Runway<P: Provisioner>(Arc<Inner<P>>, Flight);

impl<P: Provisioner> Drop for Runway<P> {
    fn drop(&mut self) {
        self.0.flights.lock().remove(&self.1);
    }
}
