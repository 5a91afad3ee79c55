//! `GET /api/v1/statistics`: requests of the last hour by outcome.
//!
//! The library opens one span `provision` per request, whose fields are part of its API. A layer of
//! the program's subscriber reads the spans when they close and adds them up in memory: totals
//! since startup, and buckets of ten seconds that are dropped after an hour. The library's metrics
//! are not sufficient: behind a cache they do not have the reason for which a cached user is
//! refused again. A monitoring system keeps more data for longer; this is for deployments without
//! one.
//!
//! The span ends when the layer passes the request on. Refusals by a requirement behind the layer,
//! as for a missing role, are counted by the `Error` in the response's extensions.

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

/// Length of one interval.
const INTERVAL: Duration = Duration::from_secs(10);
/// Number of intervals that are kept: one hour.
const MAX_INTERVALS: u64 = 360;

/// The counters. Clones share them.
#[derive(Clone)]
pub struct Statistics(Arc<Mutex<Series>>);

struct Series {
    since: OffsetDateTime,
    total: Counts,
    /// In chronological order. An interval without requests has no bucket.
    buckets: VecDeque<Bucket>,
}

#[derive(Serialize, ToSchema)]
pub struct StatisticsView {
    #[serde(with = "rfc3339")]
    since: OffsetDateTime,
    /// The current time in seconds since the Unix epoch, as in the series.
    now: u64,
    interval_seconds: u64,
    /// Number of intervals that are kept.
    intervals: u64,
    total: Counts,
    /// The intervals with requests, oldest first.
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

    /// Returns the layer to add to the program's subscriber.
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
        series.drop_expired(now - now % INTERVAL.as_secs());
        StatisticsView {
            since: series.since,
            now,
            interval_seconds: INTERVAL.as_secs(),
            intervals: MAX_INTERVALS,
            total: series.total.clone(),
            series: series.buckets.iter().map(Bucket::point).collect(),
        }
    }

    fn series(&self) -> MutexGuard<'_, Series> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Series {
    /// Returns the current interval. If the clock was set back, requests count in the newest
    /// existing one.
    fn newest(&mut self) -> &mut Bucket {
        let now = now();
        let start = now - now % INTERVAL.as_secs();
        if self.buckets.back().is_none_or(|last| last.start < start) {
            self.buckets.push_back(Bucket::new(start));
        }
        self.drop_expired(start);
        self.buckets.back_mut().expect("the newest bucket is kept")
    }

    /// Drops buckets more than an hour older than the newest interval.
    fn drop_expired(&mut self, newest: u64) {
        let oldest = newest.saturating_sub((MAX_INTERVALS - 1) * INTERVAL.as_secs());
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

/// Counts refusals behind the layer. Their spans have ended as passed.
pub async fn count_refusals(State(statistics): State<Statistics>, answer: Response) -> Response {
    if let Some(error) = answer.extensions().get::<Error>() {
        statistics.count_refusal(error.reason());
    }
    answer
}

/// Returns the counters and the series.
#[utoipa::path(
    get,
    path = "/api/v1/statistics",
    tag = "administration",
    responses((status = 200, body = StatisticsView, description = "Totals, and the last hour"))
)]
pub async fn read(State(app): State<Shared>) -> Json<StatisticsView> {
    Json(app.statistics.view())
}
