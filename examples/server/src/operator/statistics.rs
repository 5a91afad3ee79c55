//! `GET /api/v1/statistics`: what became of the requests of the last hour.
//!
//! The library has one span `provision` a request, whose fields are part of its API. A layer of the
//! program's subscriber reads them as they close, and adds them up in memory: totals since the
//! start, and buckets of ten seconds that fall out after an hour. Metrics would not do: behind a
//! cache, they do not tell for which reason a remembered user is refused again. A monitoring system
//! keeps more, for longer; this is for whoever has none at hand.
//!
//! The span ends where the layer lets a request pass. What a requirement behind it refuses, as for a
//! missing role, is seen by the `Error` in its answer.

mod bucket;
mod watch;

use std::{
    collections::VecDeque,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use axum::{Json, extract::State, response::Response};
use serde::Serialize;
use time::{OffsetDateTime, serde::rfc3339};
use tower_jit_provisioning::Error;
use tracing::Subscriber;
use tracing_subscriber::{Layer, registry::LookupSpan};
use utoipa::ToSchema;

use self::{
    bucket::{Bucket, Counts, Point},
    watch::{Request, Watch},
};
use crate::app::Shared;

/// What one point of the plot stands for.
const INTERVAL: Duration = Duration::from_secs(10);
/// How many are kept: an hour.
const KEPT: u64 = 360;

/// What was counted; clones share it.
#[derive(Clone)]
pub struct Statistics(Arc<Mutex<Series>>);

struct Series {
    since: OffsetDateTime,
    total: Counts,
    /// In the order of time; an interval without requests has none.
    buckets: VecDeque<Bucket>,
}

#[derive(Serialize, ToSchema)]
pub struct StatisticsView {
    #[serde(with = "rfc3339")]
    since: OffsetDateTime,
    /// Seconds since the Unix epoch, as in the series.
    now: u64,
    interval_seconds: u64,
    /// How many intervals are kept.
    intervals: u64,
    total: Counts,
    /// The intervals with requests, the oldest first.
    series: Vec<Point>,
}

impl Statistics {
    pub fn new() -> Self {
        Self(Arc::new(Mutex::new(Series {
            since: OffsetDateTime::now_utc(),
            total: Counts::default(),
            buckets: VecDeque::new(),
        })))
    }

    /// What the program's subscriber needs, to count.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(&self) -> impl Layer<S> + use<S> {
        Watch::layer(self.clone())
    }

    fn count(&self, request: &Request) {
        let mut series = self.series();
        series.total.add(request);
        series.newest().add(request);
    }

    fn count_refusal(&self, reason: &str) {
        let mut series = self.series();
        series.total.refuse(reason);
        series.newest().refuse(reason);
    }

    fn view(&self) -> StatisticsView {
        let now = now();
        let mut series = self.series();
        series.forget(now - now % INTERVAL.as_secs());
        StatisticsView {
            since: series.since,
            now,
            interval_seconds: INTERVAL.as_secs(),
            intervals: KEPT,
            total: series.total.clone(),
            series: series.buckets.iter().map(Bucket::point).collect(),
        }
    }

    fn series(&self) -> MutexGuard<'_, Series> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    /// The interval that counts now. A clock that was set back counts into the one before.
    fn newest(&mut self) -> &mut Bucket {
        let now = now();
        let start = now - now % INTERVAL.as_secs();
        if self.buckets.back().is_none_or(|last| last.start < start) {
            self.buckets.push_back(Bucket::new(start));
        }
        self.forget(start);
        self.buckets.back_mut().expect("none as young is forgotten")
    }

    /// Drops what is older than an hour before the newest interval.
    fn forget(&mut self, newest: u64) {
        let oldest = newest.saturating_sub((KEPT - 1) * INTERVAL.as_secs());
        while self
            .buckets
            .front()
            .is_some_and(|first| first.start < oldest)
        {
            self.buckets.pop_front();
        }
    }
}

fn now() -> u64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH);
    now.unwrap_or_default().as_secs()
}

/// Counts what was refused behind the layer, whose span has ended as passed by then.
pub async fn count_refusals(State(statistics): State<Statistics>, answer: Response) -> Response {
    if let Some(error) = answer.extensions().get::<Error>() {
        statistics.count_refusal(error.reason());
    }
    answer
}

/// Reads the counters and the series.
#[utoipa::path(
    get,
    path = "/api/v1/statistics",
    tag = "administration",
    responses((status = 200, body = StatisticsView, description = "Totals, and the last hour"))
)]
pub async fn read(State(app): State<Shared>) -> Json<StatisticsView> {
    Json(app.statistics.view())
}
