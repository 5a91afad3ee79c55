//! Single-flight fetches: whether a fetch may start, and what is recorded when it finishes.

use std::{
    sync::Arc,
    time::{Duration, SystemTime},
};

use tokio::{sync::watch, task::JoinSet, time::Instant};

use super::{load::Loaded, shared::Shared};
use crate::{
    fetch::FetchError,
    telemetry::{self, Stopwatch},
};

/// The pause after the first failed fetch; it doubles with each failure, up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

/// The reason for a fetch.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Reason {
    /// The set lacks the key that a token names, or a signature does not verify under it.
    Demanded,
    /// No usable set is held.
    Empty,
    /// The interval has passed.
    Scheduled,
}

/// Whether a fetch may start. The receivers are closed when the fetch finishes.
pub(super) enum FetchDecision {
    /// A fetch is already under way.
    Join(watch::Receiver<()>),
    /// No fetch may start now.
    Refused,
    /// The caller starts a fetch, with the sender that [`Shared::run`] takes.
    Start(watch::Sender<()>, watch::Receiver<()>),
}

impl Shared {
    /// Decides whether a fetch may start.
    ///
    /// At most one fetch runs at a time. After a failed fetch, none starts for an empty set until
    /// the pause is over; after a demanded fetch, no other is demanded until the cool-down is over.
    pub(super) fn decide(&self, reason: Reason) -> FetchDecision {
        let mut progress = self.progress();
        if let Some(fetch) = &progress.fetch
            && progress.is_fetching()
        {
            return FetchDecision::Join(fetch.clone());
        }
        let now = Instant::now();
        let is_allowed = match reason {
            Reason::Demanded => progress
                .demanded
                .is_none_or(|last| now >= last + self.refresh.cool_down),
            Reason::Empty => progress.failures == 0 || progress.due.is_none_or(|due| now >= due),
            Reason::Scheduled => true,
        };
        if !is_allowed || progress.is_withdrawn {
            return FetchDecision::Refused;
        }
        if reason == Reason::Demanded {
            progress.demanded = Some(now);
        }
        let (finished, fetch) = watch::channel(());
        progress.fetch = Some(fetch.clone());
        FetchDecision::Start(finished, fetch)
    }

    /// Fetches the set once, records the result, and then drops `finished`.
    ///
    /// The load runs in a task of its own: a fetcher that panics counts as failed, and the next
    /// fetch is paced as after any other failure.
    pub(super) async fn run(self: &Arc<Self>, finished: watch::Sender<()>) {
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
            Ok(loaded) => self.record_success(loaded),
            Err(error) => self.record_failure(&error),
        }
        drop(finished);
        self.rescheduled.notify_one();
    }

    fn record_success(&self, loaded: Loaded) {
        let mut progress = self.progress();
        // Keys stored now would never be withdrawn, nor would the tokens cached with them.
        if progress.is_withdrawn {
            return;
        }
        // An ETag belongs to the document that came with it; only a 304 keeps the previous one.
        progress.etag = match loaded.set {
            None => loaded.etag.or_else(|| progress.etag.take()),
            Some(_) => loaded.etag,
        };
        let held = self.set.load_full();
        let until = self.stale_at();
        match (loaded.set, held) {
            (None, None) => {}
            (None, Some(held)) => held.set_valid_until(until),
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

    fn record_failure(&self, error: &FetchError) {
        tracing::warn!(issuer = %self.issuer, %error, "keys could not be fetched");
        let mut progress = self.progress();
        let doubled = FIRST_PAUSE.saturating_mul(1 << progress.failures.min(16));
        let pause = doubled.min(self.refresh.interval);
        progress.failures = progress.failures.saturating_add(1);
        progress.due = Some(Instant::now() + pause + jitter(pause));
        // The next fetch repeats discovery: the URL may be what is wrong.
        progress.jwks_uri = None;
        progress.etag = None;
        progress.last_error = Some((SystemTime::now(), error.to_string().into()));
    }
}

/// Returns up to a quarter of the pause, so that replicas do not retry in step.
fn jitter(pause: Duration) -> Duration {
    use std::hash::BuildHasher;

    let random = foldhash::quality::RandomState::default().hash_one(Instant::now());
    pause.mul_f64((random % 1024) as f64 / 4096.0)
}
