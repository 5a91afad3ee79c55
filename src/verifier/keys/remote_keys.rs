//! Keys that are fetched: one flight at a time, never in the way of a good token.
//!
//! Reads never block while a set is held. A set is replaced only by one with usable keys, whatever
//! the issuer answers. A key that stays in the set stays the same object, so tokens verified with
//! it stay cached; one that leaves is withdrawn, and every token verified with it dies at once.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    flight::{Boarding, Reason},
    key_refresh::KeyRefresh,
    key_status::KeyStatus,
    location::Location,
    shared::Shared,
    trusted_key::TrustedKey,
};
use crate::{
    clock::Clock,
    error::{Error, TokenFault},
    fetch::DocumentFetcher,
    verifier::algorithm::Algorithm,
};

/// The keys of an issuer that publishes them, and the tasks that keep them current.
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
    /// Aborted when the last handle drops.
    tasks: Mutex<JoinSet<()>>,
}

impl RemoteKeys {
    pub(super) fn new(
        issuer: &str,
        location: Location,
        fetcher: Arc<dyn DocumentFetcher>,
        refresh: KeyRefresh,
        clock: Clock,
    ) -> Self {
        Self {
            shared: Arc::new(Shared::new(issuer, location, fetcher, refresh, clock)),
            tasks: Mutex::default(),
        }
    }

    /// Takes over what another configuration of the same issuer knows: its keys, as objects of its
    /// own, so that the other's can be withdrawn without these, and when the next fetch is due, so
    /// that a reload is no way around the cool-down.
    pub(super) fn adopt(&self, other: &Self) {
        let is_same = self.shared.issuer == other.shared.issuer
            && self.shared.location == other.shared.location;
        if is_same {
            // Keys and what is known of them are of one moment: a flight that lands in between
            // would leave a key that it withdrew to be trusted for another interval.
            let known = other.shared.progress();
            if let Some(set) = other.shared.set.load_full() {
                let until = self.shared.stale_at();
                self.shared.set.store(Some(Arc::new(set.copied(until))));
            }
            let mut progress = self.shared.progress();
            progress.due = known.due;
            // What a flight under way brings home will be nobody's: the fetch is owed again.
            progress.demanded = known.demanded.filter(|_| !known.is_flying());
            progress.failures = known.failures;
            progress.last_success = known.last_success;
            progress.last_error.clone_from(&known.last_error);
        }
    }

    /// Finds the key a header means, fetching the set if it is empty or lacks the key. `began` is
    /// when the request began to wait.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        began: Instant,
    ) -> Result<Arc<TrustedKey>, Error> {
        self.keep();
        let reason = match self.held(kid, algorithm) {
            Some(Ok(key)) => return Ok(key),
            Some(Err(TokenFault::Key)) => Reason::Demanded,
            Some(Err(fault)) => return Err(fault.into()),
            None => Reason::Empty,
        };
        let lacks = || matches!(self.held(kid, algorithm), Some(Err(TokenFault::Key)));
        self.landed(reason, began, lacks).await;
        match self.held(kid, algorithm) {
            Some(found) => Ok(found?),
            None => Err(Error::keys_unavailable()),
        }
    }

    /// Finds the key that took the place of one under which a signature did not verify: some
    /// issuers rotate without changing `kid`.
    pub(super) async fn find_successor(
        &self,
        of: &Arc<TrustedKey>,
        kid: Option<&str>,
        algorithm: Algorithm,
        began: Instant,
    ) -> Option<Arc<TrustedKey>> {
        let successor = || {
            let held = self.held(kid, algorithm)?.ok()?;
            (!Arc::ptr_eq(&held, of)).then_some(held)
        };
        let lacks = || successor().is_none();
        self.landed(Reason::Demanded, began, lacks).await;
        successor()
    }

    /// Fetches the keys if none are held; waits, bounded.
    pub(super) async fn ready(&self) -> Result<(), Error> {
        self.keep();
        if !self.shared.is_usable() {
            self.landed(Reason::Empty, Instant::now(), || false).await;
        }
        match self.shared.is_usable() {
            true => Ok(()),
            false => Err(Error::keys_unavailable()),
        }
    }

    pub(super) fn status(&self) -> KeyStatus {
        let progress = self.shared.progress();
        let set = self.shared.set.load();
        KeyStatus {
            issuer: self.shared.issuer.to_string(),
            keys: set.as_ref().map_or(0, |set| set.len()),
            last_success: progress.last_success,
            last_error: progress
                .last_error
                .as_ref()
                .map(|(at, error)| (*at, error.to_string())),
        }
    }

    /// Withdraws every key: the configuration they belong to is gone.
    pub(super) fn withdraw(&self) {
        // Under the lock: a flight that lands later finds out that it is retired.
        let mut progress = self.shared.progress();
        progress.is_retired = true;
        if let Some(set) = self.shared.set.swap(None) {
            set.withdraw();
        }
    }

    /// `None` if no set is held, or only one that is too old.
    fn held(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Result<Arc<TrustedKey>, TokenFault>> {
        let set = self.shared.set.load();
        let set = set.as_ref().filter(|_| self.shared.is_usable())?;
        Some(set.find(kid, algorithm).map(Arc::clone))
    }

    /// Waits, bounded, for the flight that the reason joins or starts; at once if it may not start
    /// one.
    ///
    /// A flight that was under way may have left before the issuer published what is looked for: if
    /// `lacks` holds after it, there is another.
    async fn landed(&self, reason: Reason, began: Instant, lacks: impl Fn() -> bool + Send + Sync) {
        let flights = async {
            let Some((mut flight, is_new)) = self.board(reason) else {
                return;
            };
            // An error says that the sender is gone: the flight has landed.
            let _ = flight.changed().await;
            if !is_new
                && lacks()
                && let Some((mut flight, _)) = self.board(Reason::Demanded)
            {
                let _ = flight.changed().await;
            }
        };
        // Without an end that a clock can count to, there is none.
        match began.checked_add(self.shared.refresh.wait) {
            Some(end) => drop(timeout_at(end, flights).await),
            None => flights.await,
        }
    }

    /// Returns the flight that the reason joins or starts, and whether it starts it.
    fn board(&self, reason: Reason) -> Option<(watch::Receiver<()>, bool)> {
        let (landing, flight) = match self.shared.boarding(reason) {
            Boarding::Join(flight) => return Some((flight, false)),
            Boarding::Refused => return None,
            Boarding::Start(landing, flight) => (landing, flight),
        };
        let shared = Arc::clone(&self.shared);
        self.spawn(async move { shared.fly(landing).await });
        Some((flight, true))
    }

    /// Starts the background refresh with the first token, and not before.
    fn keep(&self) {
        let mut progress = self.shared.progress();
        if progress
            .keeper
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let keeper = self.spawn(async move {
            loop {
                let due = shared.progress().due;
                let due = due.unwrap_or_else(|| Instant::now() + shared.refresh.interval);
                if timeout_at(due, shared.rescheduled.notified()).await.is_ok() {
                    continue;
                }
                match shared.boarding(Reason::Scheduled) {
                    Boarding::Start(landing, _) => shared.fly(landing).await,
                    Boarding::Join(mut flight) => drop(flight.changed().await),
                    Boarding::Refused => {}
                }
            }
        });
        progress.keeper = Some(keeper);
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }
}
