//! The keys of an issuer that publishes them.
//!
//! Reads never block while a set is held. Only a set with usable keys replaces another, whatever
//! the issuer answers. A key that is in both sets stays the same object, so tokens verified with it
//! stay cached. A key that is missing from the new set is withdrawn, and with it every token
//! verified with it.

use std::sync::{Arc, Mutex, PoisonError};

use tokio::{
    sync::watch,
    task::{AbortHandle, JoinSet},
    time::{Instant, timeout_at},
};

use super::{
    flight::{FetchDecision, Reason},
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

    /// Copies the keys and the progress from another configuration of the same issuer.
    ///
    /// The keys become objects of their own, so that withdrawing the other's leaves these valid.
    /// The time of the next fetch is copied as well, so that a reload does not bypass the
    /// cool-down.
    pub(super) fn adopt(&self, other: &Self) {
        let is_same = self.shared.issuer == other.shared.issuer
            && self.shared.location == other.shared.location;
        if is_same {
            // Held until keys and progress are both copied: a fetch that finished in between could
            // withdraw a key that the copy would trust for another interval.
            let known = other.shared.progress();
            if let Some(set) = other.shared.set.load_full() {
                let until = self.shared.stale_at();
                self.shared.set.store(Some(Arc::new(set.copied(until))));
            }
            let mut progress = self.shared.progress();
            progress.due = known.due;
            // The result of a fetch under way is discarded, so it does not start a cool-down here.
            progress.demanded = known.demanded.filter(|_| !known.is_fetching());
            progress.failures = known.failures;
            progress.last_success = known.last_success;
            progress.last_error.clone_from(&known.last_error);
        }
    }

    /// Finds the key that a header names, and fetches the set if none is held or it lacks the key.
    /// `began` is when the request began to wait.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
        began: Instant,
    ) -> Result<Arc<TrustedKey>, Error> {
        self.ensure_background_refresh();
        let reason = match self.held(kid, algorithm) {
            Some(Ok(key)) => return Ok(key),
            Some(Err(TokenFault::Key)) => Reason::Demanded,
            Some(Err(fault)) => return Err(fault.into()),
            None => Reason::Empty,
        };
        let is_missing = || matches!(self.held(kid, algorithm), Some(Err(TokenFault::Key)));
        self.wait_for_fetch(reason, began, is_missing).await;
        match self.held(kid, algorithm) {
            Some(found) => Ok(found?),
            None => Err(Error::keys_unavailable()),
        }
    }

    /// Finds the key that replaced `of`, under which a signature did not verify: some issuers
    /// rotate keys without changing `kid`.
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
        let is_missing = || successor().is_none();
        self.wait_for_fetch(Reason::Demanded, began, is_missing)
            .await;
        successor()
    }

    /// Fetches the keys if none are held, and waits for them as long as [`KeyRefresh::with_wait`]
    /// allows.
    pub(super) async fn ready(&self) -> Result<(), Error> {
        self.ensure_background_refresh();
        if !self.shared.is_usable() {
            self.wait_for_fetch(Reason::Empty, Instant::now(), || false)
                .await;
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

    /// Withdraws every key, because their configuration was replaced or removed.
    pub(super) fn withdraw(&self) {
        // Set under the lock: a fetch that finishes later sees it and stores nothing.
        let mut progress = self.shared.progress();
        progress.is_withdrawn = true;
        if let Some(set) = self.shared.set.swap(None) {
            set.withdraw();
        }
    }

    /// Finds a key in the set held. `None` means that no set is held, or only one that is too old.
    fn held(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Option<Result<Arc<TrustedKey>, TokenFault>> {
        let set = self.shared.set.load();
        let set = set.as_ref().filter(|_| self.shared.is_usable())?;
        Some(set.find(kid, algorithm).map(Arc::clone))
    }

    /// Joins or starts a fetch and waits for it, within the bound. Returns at once if no fetch may
    /// start.
    ///
    /// A fetch that was already under way may have read the set before the issuer published the
    /// key. If `is_missing` returns true after it, a second fetch follows.
    async fn wait_for_fetch(
        &self,
        reason: Reason,
        began: Instant,
        is_missing: impl Fn() -> bool + Send + Sync,
    ) {
        let fetches = async {
            let Some((mut fetch, is_new)) = self.join_or_start(reason) else {
                return;
            };
            // An error means that the sender was dropped: the fetch has finished.
            let _ = fetch.changed().await;
            if !is_new
                && is_missing()
                && let Some((mut fetch, _)) = self.join_or_start(Reason::Demanded)
            {
                let _ = fetch.changed().await;
            }
        };
        // An end that `Instant` cannot represent is no bound.
        match began.checked_add(self.shared.refresh.wait) {
            Some(end) => drop(timeout_at(end, fetches).await),
            None => fetches.await,
        }
    }

    /// Returns the fetch to wait for, and whether this call started it.
    fn join_or_start(&self, reason: Reason) -> Option<(watch::Receiver<()>, bool)> {
        let (finished, fetch) = match self.shared.decide(reason) {
            FetchDecision::Join(fetch) => return Some((fetch, false)),
            FetchDecision::Refused => return None,
            FetchDecision::Start(finished, fetch) => (finished, fetch),
        };
        let shared = Arc::clone(&self.shared);
        self.spawn(async move { shared.run(finished).await });
        Some((fetch, true))
    }

    /// Starts the background refresh if it is not running. The first token starts it; building a
    /// verifier spawns nothing.
    fn ensure_background_refresh(&self) {
        let mut progress = self.shared.progress();
        if progress
            .background_refresh
            .as_ref()
            .is_some_and(|task| !task.is_finished())
        {
            return;
        }
        let shared = Arc::clone(&self.shared);
        let task = self.spawn(async move {
            loop {
                let due = shared.progress().due;
                let due = due.unwrap_or_else(|| Instant::now() + shared.refresh.interval);
                if timeout_at(due, shared.rescheduled.notified()).await.is_ok() {
                    continue;
                }
                match shared.decide(Reason::Scheduled) {
                    FetchDecision::Start(finished, _) => shared.run(finished).await,
                    FetchDecision::Join(mut fetch) => drop(fetch.changed().await),
                    FetchDecision::Refused => {}
                }
            }
        });
        progress.background_refresh = Some(task);
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) -> AbortHandle {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task)
    }
}
