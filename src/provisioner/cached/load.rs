//! Single-flight loads. Each runs in its own task, so a cancelled request doesn't cancel it for
//! others.

use std::sync::Arc;

use tokio::{sync::watch, time::Instant};

use super::{
    flight::{Flight, Pending},
    inner::Inner,
};
use crate::{identity::Identity, provisioner::provisioner::Provisioner};

/// Joins the load in progress or starts one; returns whether it started one.
pub(super) fn join_or_start<P: Provisioner>(
    inner: &Arc<Inner<P>>,
    identity: &Identity,
) -> (Pending<P::User>, bool) {
    // The version has to be read before the store is.
    let version = inner.version(identity.key());
    let started = Instant::now();
    // `iat` is part of the key: a token with another `iat` may be revoked, and its verdict doesn't
    // apply to this token.
    let flight = (identity.evidence(), identity.issued_at(), version);
    let mut flights = inner.flights.lock();
    // Don't join a load older than the TTL: its result would already be stale.
    if let Some((since, pending)) = flights.get(&flight)
        && started < *since + inner.options.ttl
    {
        return (pending.clone(), false);
    }
    let (sender, pending) = watch::channel(None);
    flights.insert(flight, (started, pending.clone()));
    drop(flights);
    let remove_on_drop = RemoveOnDrop {
        inner: Arc::clone(inner),
        flight,
        started,
    };
    let identity = identity.clone();
    tokio::spawn(async move {
        let inner = &remove_on_drop.inner;
        let verdict = inner.provisioner.provision(&identity).await;
        let verdict = inner.remember(&identity, version, started, verdict);
        drop(remove_on_drop);
        let _ = sender.send(Some(verdict));
    });
    (pending, true)
}

/// Removes the flight when the load ends, also if the load panicked.
struct RemoveOnDrop<P: Provisioner> {
    inner: Arc<Inner<P>>,
    flight: Flight,
    started: Instant,
}

impl<P: Provisioner> Drop for RemoveOnDrop<P> {
    fn drop(&mut self) {
        let mut flights = self.inner.flights.lock();
        // A newer load may have replaced this one after this one became too old to join.
        let since = flights.get(&self.flight).map(|(since, _)| *since);
        if since == Some(self.started) {
            flights.remove(&self.flight);
        }
    }
}
