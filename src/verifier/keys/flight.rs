//! One fetch at a time: when it may start, and what is noted when it ends.

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

/// The first pause after a failed fetch; it doubles up to the interval.
const FIRST_PAUSE: Duration = Duration::from_secs(1);

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

impl Shared {
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
}

/// Up to a quarter of the pause, so that replicas do not ask in step.
fn jitter(pause: Duration) -> Duration {
    use std::hash::BuildHasher;

    let random = foldhash::quality::RandomState::default().hash_one(Instant::now());
    pause.mul_f64((random % 1024) as f64 / 4096.0)
}
