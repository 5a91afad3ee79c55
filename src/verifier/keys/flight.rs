//! One fetch at a time: when it may start, what it does, and what is noted when it lands.

use std::{
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime},
};

use arc_swap::ArcSwapOption;
use tokio::{
    sync::{Notify, watch},
    task::{AbortHandle, JoinSet},
    time::{Instant, timeout},
};

use super::{jwk, key_set::KeySet, refresh::KeyRefresh};
use crate::{
    clock::{Clock, to_millis},
    fetch::{
        Document, DocumentFetcher, DocumentRequest, FetchError,
        metadata::{is_fetchable, jwks_uri, metadata_urls},
    },
    telemetry::{self, Stopwatch},
};

/// The first pause after a failed fetch; it doubles up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// Where the keys are.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Location {
    /// In the document that the issuer's metadata names.
    Discovery,
    /// Here.
    Jwks(Box<str>),
}

/// What handles and tasks of one issuer's keys share.
pub(super) struct Shared {
    pub(super) issuer: Box<str>,
    pub(super) location: Location,
    pub(super) fetcher: Arc<dyn DocumentFetcher>,
    pub(super) refresh: KeyRefresh,
    clock: Clock,
    pub(super) set: ArcSwapOption<KeySet>,
    progress: Mutex<Progress>,
    /// Wakes the background refresh when the next fetch is due at another time.
    pub(super) rescheduled: Notify,
}

/// What the next fetch depends on.
#[derive(Default)]
pub(super) struct Progress {
    /// Closed when the flight has landed.
    flight: Option<watch::Receiver<()>>,
    /// When the next fetch is due, or may be tried after a failure.
    pub(super) due: Option<Instant>,
    /// When a token last caused a fetch.
    pub(super) demanded: Option<Instant>,
    pub(super) failures: u32,
    jwks_uri: Option<(Box<str>, Instant)>,
    etag: Option<String>,
    /// The background refresh. It ends with the runtime it was started on, and starts on the next.
    pub(super) keeper: Option<AbortHandle>,
    /// The configuration is gone: nothing is fetched for it any more.
    pub(super) is_retired: bool,
    pub(super) last_success: Option<SystemTime>,
    pub(super) last_error: Option<(SystemTime, Arc<str>)>,
}

impl Progress {
    pub(super) fn is_flying(&self) -> bool {
        let flight = self.flight.as_ref();
        flight.is_some_and(|flight| flight.has_changed().is_ok())
    }
}

/// Why keys are fetched now.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reason {
    /// A token names a key the set lacks, or does not fit the one it names.
    Demanded,
    /// No set is held.
    Empty,
    /// It is time.
    Scheduled,
}

/// What becomes of a wish to fetch.
pub(super) enum Boarding {
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
    pub(super) fn new(
        issuer: &str,
        location: Location,
        fetcher: Arc<dyn DocumentFetcher>,
        refresh: KeyRefresh,
        clock: Clock,
    ) -> Self {
        Self {
            issuer: issuer.into(),
            location,
            fetcher,
            refresh,
            clock,
            set: ArcSwapOption::empty(),
            progress: Mutex::default(),
            rescheduled: Notify::new(),
        }
    }

    /// No code panics while it holds this lock.
    pub(super) fn progress(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn is_usable(&self) -> bool {
        let now = self.clock.now();
        self.set
            .load()
            .as_ref()
            .is_some_and(|set| set.is_valid_at(now))
    }

    pub(super) fn stale_at(&self) -> i64 {
        self.clock
            .now()
            .saturating_add(to_millis(self.refresh.max_stale))
    }

    /// Decides whether a fetch may start. There is one flight at a time; a failed one is not
    /// repeated before its pause is over, a demanded one not before the cool-down is.
    pub(super) fn boarding(&self, reason: Reason) -> Boarding {
        let mut progress = self.progress();
        if let Some(flight) = &progress.flight
            && progress.is_flying()
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

    /// Fetches once and notes the result. A fetcher that panics has failed, and is paced like any
    /// other that fails.
    pub(super) async fn fly(self: &Arc<Self>, landing: watch::Sender<()>) {
        let (shared, watch) = (Arc::clone(self), Stopwatch::start());
        let mut loading = JoinSet::new();
        loading.spawn(async move { shared.load().await });
        let result = match loading.join_next().await {
            Some(Ok(result)) => result,
            Some(Err(panic)) => Err(FetchError::new(panic)),
            None => Err(FetchError::new("no load was started")),
        };
        let label = match &result {
            Ok(Loaded { set: Some(_), .. }) => "fetched",
            Ok(Loaded { set: None, .. }) => "not_modified",
            Err(_) => "failed",
        };
        telemetry::key_fetch(&self.issuer, watch, label);
        match result {
            Ok(loaded) => self.note_success(loaded),
            Err(error) => self.note_failure(&error),
        }
        drop(landing);
        self.rescheduled.notify_one();
    }

    fn note_success(&self, loaded: Loaded) {
        let mut progress = self.progress();
        // Nobody would ever withdraw these keys, nor the tokens remembered by them.
        if progress.is_retired {
            return;
        }
        // A tag belongs to the document it came with; only a 304 leaves the one held in force.
        progress.etag = match loaded.set {
            None => loaded.etag.or_else(|| progress.etag.take()),
            Some(_) => loaded.etag,
        };
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
        progress.due = Some(Instant::now() + fresh_for);
        progress.failures = 0;
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
                    self.progress().jwks_uri =
                        Some((uri.clone(), Instant::now() + self.refresh.rediscovery));
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
            bearer: None,
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
