//! Counters and latencies of requests.

use std::collections::BTreeMap;

use metrics_util::storage::Summary;
use serde::Serialize;
use utoipa::ToSchema;

use super::watch::Request;

/// Maximum number of distinct reasons. Reasons are labels of the library, which has fewer.
const MAX_REASONS: usize = 64;

#[derive(Clone, Default, Serialize, ToSchema)]
pub struct Counts {
    requests: u64,
    /// Accepted requests whose token was not in the cache: a sign-in or a renewed token.
    logins: u64,
    created: u64,
    linked: u64,
    updated: u64,
    /// Requests refused by the layer, or by a role requirement behind it. The latter have passed
    /// the layer and are counted there as well.
    refused: u64,
    /// Requests whose client disconnected before the decision.
    abandoned: u64,
    /// Refusals by reason.
    reasons: BTreeMap<String, u64>,
}

impl Counts {
    pub fn add(&mut self, request: &Request) {
        self.requests += 1;
        match request.outcome.as_str() {
            "passed" if !request.token_cached => self.logins += 1,
            "refused" => self.refuse(request.reason.as_deref().unwrap_or_default()),
            "abandoned" => self.abandoned += 1,
            _ => {}
        }
        match request.provisioned.as_deref() {
            Some("created") => self.created += 1,
            Some("linked") => self.linked += 1,
            Some("updated") => self.updated += 1,
            _ => {}
        }
    }

    pub fn refuse(&mut self, reason: &str) {
        self.refused += 1;
        if let Some(count) = self.reasons.get_mut(reason) {
            *count += 1;
        } else if self.reasons.len() < MAX_REASONS {
            self.reasons.insert(reason.to_owned(), 1);
        }
    }
}

/// One interval.
pub struct Bucket {
    pub start: u64,
    counts: Counts,
    latency: Summary,
}

/// One interval of the series.
#[derive(Serialize, ToSchema)]
pub struct Point {
    /// Seconds since the Unix epoch.
    at: u64,
    #[serde(flatten)]
    counts: Counts,
    /// Time from a request's arrival until the decision.
    latency_ms: Latency,
}

#[derive(Serialize, ToSchema)]
struct Latency {
    median: Option<f64>,
    p95: Option<f64>,
    max: Option<f64>,
}

impl Bucket {
    pub fn new(start: u64) -> Self {
        Self {
            start,
            counts: Counts::default(),
            // 1 % relative error, for values from one microsecond.
            latency: Summary::new(0.01, 512, 1e-3),
        }
    }

    pub fn add(&mut self, request: &Request) {
        self.counts.add(request);
        self.latency.add(request.elapsed.as_secs_f64() * 1e3);
    }

    pub fn refuse(&mut self, reason: &str) {
        self.counts.refuse(reason);
    }

    pub fn point(&self) -> Point {
        let quantile = |share| self.latency.quantile(share);
        Point {
            at: self.start,
            counts: self.counts.clone(),
            latency_ms: Latency {
                median: quantile(0.5),
                p95: quantile(0.95),
                max: quantile(1.0),
            },
        }
    }
}
