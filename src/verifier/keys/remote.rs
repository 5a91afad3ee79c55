//! Keys that are fetched: one flight at a time, never in the way of a good token.
//!
//! Reads never block while a set is held. A set is replaced only by one with usable keys, whatever
//! the issuer answers. A key that stays in the set stays the same object, so tokens verified with
//! it stay cached; one that leaves is withdrawn, and every token verified with it dies at once.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    task::JoinSet,
    time::{Instant, timeout, timeout_at},
};

use super::{
    KeySet, TrustedKey,
    discovery::{is_fetchable, jwks_uri, metadata_urls},
    fetch::{Document, DocumentFetcher, DocumentRequest, FetchError},
    jwk,
    refresh::KeyRefresh,
};
use crate::{
    error::Error,
    verifier::{
        algorithm::Algorithm,
        clock::{Clock, to_millis},
        fault::TokenFault,
    },
};

/// The first pause after a failed fetch; it doubles up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// How long a discovered `jwks_uri` is taken for granted.
const REDISCOVER: Duration = Duration::from_secs(60 * 60);

/// Where the keys are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In the document that the issuer's metadata names.
    Discovery,
    /// Here.
    Jwks(Box<str>),
}

/// The keys of an issuer that publishes them, and the tasks that keep them current.
pub(crate) struct RemoteKeys {
    shared: Arc<Shared>,
    /// Aborted when the last handle drops.
    tasks: Mutex<JoinSet<()>>,
}

struct Shared {
    issuer: Box<str>,
    location: Location,
    fetcher: Arc<dyn DocumentFetcher>,
    refresh: KeyRefresh,
    clock: Clock,
    set: ArcSwapOption<KeySet>,
    progress: Mutex<Progress>,
    /// Wakes the background refresh when the next fetch is due at another time.
    rescheduled: Notify,
}

/// What the next fetch depends on.
struct Progress {
    /// Closed when the flight has landed.
    flight: Option<watch::Receiver<()>>,
    /// When the next fetch is due, or may be tried after a failure.
    due: Option<Instant>,
    /// When a token last caused a fetch.
    demanded: Option<Instant>,
    failures: u32,
    jwks_uri: Option<(Box<str>, Instant)>,
    etag: Option<String>,
    is_kept: bool,
    /// The configuration is gone: nothing is fetched for it any more.
    is_retired: bool,
    last_success: Option<SystemTime>,
    last_error: Option<(SystemTime, Arc<str>)>,
}

/// Why keys are fetched now.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Reason {
    /// A token names a key the set lacks, or does not fit the one it names.
    Demanded,
    /// No set is held.
    Empty,
    /// It is time.
    Scheduled,
}

/// How an issuer's keys are doing.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct KeyStatus {
    /// The canonical issuer.
    pub issuer: String,
    /// The usable keys held.
    pub keys: usize,
    /// When keys were last fetched; `None` for static keys, or before the first success.
    pub last_success: Option<SystemTime>,
    /// When a fetch last failed, and why; `None` once a later one succeeded.
    pub last_error: Option<(SystemTime, String)>,
}

impl KeyStatus {
    /// Returns how long ago keys were last fetched; `None` for static keys, or before the first
    /// success.
    #[must_use]
    pub fn age(&self) -> Option<Duration> {
        self.last_success.map(|at| at.elapsed().unwrap_or_default())
    }
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
            shared: Arc::new(Shared {
                issuer: issuer.into(),
                location,
                fetcher,
                refresh,
                clock,
                set: ArcSwapOption::empty(),
                progress: Mutex::new(Progress {
                    flight: None,
                    due: None,
                    demanded: None,
                    failures: 0,
                    jwks_uri: None,
                    etag: None,
                    is_kept: false,
                    is_retired: false,
                    last_success: None,
                    last_error: None,
                }),
                rescheduled: Notify::new(),
            }),
            tasks: Mutex::default(),
        }
    }

    /// Takes over what another configuration of the same issuer knows: its keys, as objects of its
    /// own, so that the other's can be withdrawn without these, and when the next fetch is due, so
    /// that a reload is no way around the cool-down.
    pub(super) fn adopt(&self, other: &Self) {
        let is_same = self.shared.issuer == other.shared.issuer
            && self.shared.location == other.shared.location;
        if is_same && let Some(set) = other.shared.set.load_full() {
            let until = self.shared.stale_at();
            self.shared.set.store(Some(Arc::new(set.copied(until))));
            let mut progress = self.shared.progress();
            let known = other.shared.progress();
            progress.due = known.due;
            progress.demanded = known.demanded;
            progress.failures = known.failures;
            progress.last_success = known.last_success;
            progress.last_error.clone_from(&known.last_error);
        }
    }

    /// Finds the key a header means, fetching the set if it is empty or lacks the key.
    pub(super) async fn find(
        &self,
        kid: Option<&str>,
        algorithm: Algorithm,
    ) -> Result<Arc<TrustedKey>, Error> {
        self.keep();
        let reason = match self.held(kid, algorithm) {
            Some(Ok(key)) => return Ok(key),
            Some(Err(TokenFault::Key)) => Reason::Demanded,
            Some(Err(fault)) => return Err(fault.into()),
            None => Reason::Empty,
        };
        let lacks = || matches!(self.held(kid, algorithm), Some(Err(TokenFault::Key)));
        self.landed(reason, lacks).await;
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
    ) -> Option<Arc<TrustedKey>> {
        let successor = || {
            let held = self.held(kid, algorithm)?.ok()?;
            (!Arc::ptr_eq(&held, of)).then_some(held)
        };
        let lacks = || successor().is_none();
        self.landed(Reason::Demanded, lacks).await;
        successor()
    }

    /// Fetches the keys if none are held; waits, bounded.
    pub(super) async fn ready(&self) -> Result<(), Error> {
        self.keep();
        if !self.shared.is_usable() {
            self.landed(Reason::Empty, || false).await;
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
        self.shared.progress().is_retired = true;
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
    async fn landed(&self, reason: Reason, lacks: impl Fn() -> bool + Send + Sync) {
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
        let _ = timeout(self.shared.refresh.wait, flights).await;
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
        if progress.is_kept {
            return;
        }
        progress.is_kept = true;
        drop(progress);
        let shared = Arc::clone(&self.shared);
        self.spawn(async move {
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
    }

    fn spawn(&self, task: impl Future<Output = ()> + Send + 'static) {
        let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
        while tasks.try_join_next().is_some() {}
        tasks.spawn(task);
    }
}

enum Boarding {
    Join(watch::Receiver<()>),
    Refused,
    Start(watch::Sender<()>, watch::Receiver<()>),
}

/// A set that was fetched, and how long the issuer calls it fresh.
struct Loaded {
    /// `None`: the one held is still current.
    set: Option<KeySet>,
    etag: Option<String>,
    max_age: Option<Duration>,
}

impl Shared {
    /// No code panics while it holds this lock.
    fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn is_usable(&self) -> bool {
        let now = self.clock.now();
        self.set
            .load()
            .as_ref()
            .is_some_and(|set| set.is_valid_at(now))
    }

    fn stale_at(&self) -> i64 {
        self.clock
            .now()
            .saturating_add(to_millis(self.refresh.max_stale))
    }

    /// Decides whether a fetch may start. There is one flight at a time; a failed one is not
    /// repeated before its pause is over, a demanded one not before the cool-down is.
    fn boarding(&self, reason: Reason) -> Boarding {
        let mut progress = self.progress();
        if let Some(flight) = &progress.flight
            && flight.has_changed().is_ok()
        {
            return Boarding::Join(flight.clone());
        }
        let now = Instant::now();
        let is_allowed = match reason {
            Reason::Demanded => progress
                .demanded
                .is_none_or(|last| now >= last + self.refresh.cool_down),
            Reason::Empty => progress.failures == 0 || progress.due.is_none_or(|due| now >= due),
            Reason::Scheduled => true,
        };
        if !is_allowed || progress.is_retired {
            return Boarding::Refused;
        }
        if reason == Reason::Demanded {
            progress.demanded = Some(now);
        }
        let (landing, flight) = watch::channel(());
        progress.flight = Some(flight.clone());
        Boarding::Start(landing, flight)
    }

    /// Fetches once and notes the result. `landing` is dropped at the end, also by a panic.
    async fn fly(&self, landing: watch::Sender<()>) {
        match self.load().await {
            Err(error) => self.note_failure(&error),
            Ok(loaded) => self.note_success(loaded),
        }
        drop(landing);
        self.rescheduled.notify_one();
    }

    fn note_success(&self, loaded: Loaded) {
        let held = self.set.load_full();
        let until = self.stale_at();
        match (loaded.set, held) {
            (None, None) => {}
            (None, Some(held)) => held.extend(until),
            (Some(set), held) => {
                let set = set.succeeding(held.as_deref(), until);
                self.set.store(Some(Arc::new(set)));
            }
        }
        let fresh_for = loaded.max_age.map_or(self.refresh.interval, |age| {
            age.max(self.refresh.cool_down).min(self.refresh.interval)
        });
        let mut progress = self.progress();
        progress.due = Some(Instant::now() + fresh_for);
        progress.failures = 0;
        progress.etag = loaded.etag.or_else(|| progress.etag.take());
        progress.last_success = Some(SystemTime::now());
        progress.last_error = None;
    }

    fn note_failure(&self, error: &FetchError) {
        tracing::warn!(issuer = %self.issuer, %error, "keys could not be fetched");
        let mut progress = self.progress();
        let doubled = FIRST_PAUSE.saturating_mul(1 << progress.failures.min(16));
        let pause = doubled.min(self.refresh.interval);
        progress.failures = progress.failures.saturating_add(1);
        progress.due = Some(Instant::now() + pause + jitter(pause));
        // The address may be what is wrong.
        progress.jwks_uri = None;
        progress.etag = None;
        progress.last_error = Some((SystemTime::now(), error.to_string().into()));
    }

    async fn load(&self) -> Result<Loaded, FetchError> {
        let uri = match &self.location {
            Location::Discovery => self.discover().await?,
            Location::Jwks(uri) => uri.clone(),
        };
        let has_set = self.set.load().is_some();
        let etag = self.progress().etag.clone().filter(|_| has_set);
        let document = self.fetch(&uri, etag).await?;
        let set = match document.body {
            None if has_set => None,
            None => return Err(FetchError::new("not modified, but nothing is held")),
            Some(body) => {
                Some(jwk::parse_set(&body, self.refresh.max_keys).map_err(FetchError::new)?)
            }
        };
        Ok(Loaded {
            set,
            etag: document.etag,
            max_age: document.max_age,
        })
    }

    async fn discover(&self) -> Result<Box<str>, FetchError> {
        if let Some((uri, until)) = &self.progress().jwks_uri
            && Instant::now() < *until
        {
            return Ok(uri.clone());
        }
        let mut missing = FetchError::status(404);
        for url in metadata_urls(&self.issuer) {
            match self.fetch(&url, None).await {
                Err(error) if error.is_not_found() => missing = error,
                Err(error) => return Err(error),
                Ok(document) => {
                    let body = document.body.unwrap_or_default();
                    let uri = jwks_uri(&body, &self.issuer).map_err(FetchError::new)?;
                    let uri: Box<str> = uri.into();
                    self.progress().jwks_uri = Some((uri.clone(), Instant::now() + REDISCOVER));
                    return Ok(uri);
                }
            }
        }
        Err(missing)
    }

    /// Holds any fetcher to the limits, the application's own as well.
    async fn fetch(&self, url: &str, etag: Option<String>) -> Result<Document, FetchError> {
        if !is_fetchable(url) {
            return Err(FetchError::new("the URL is neither https nor on loopback"));
        }
        let request = DocumentRequest {
            url: url.to_owned(),
            etag,
            max_bytes: self.refresh.max_bytes,
        };
        let document = timeout(self.refresh.timeout, self.fetcher.fetch(&request))
            .await
            .map_err(FetchError::new)??;
        match &document.body {
            Some(body) if body.len() > self.refresh.max_bytes => {
                Err(FetchError::new("the document is too large"))
            }
            Some(_) | None => Ok(document),
        }
    }
}

/// Up to a quarter of the pause, so that replicas do not ask in step.
fn jitter(pause: Duration) -> Duration {
    use std::hash::BuildHasher;

    let random = foldhash::quality::RandomState::default().hash_one(Instant::now());
    pause.mul_f64((random % 1024) as f64 / 4096.0)
}
