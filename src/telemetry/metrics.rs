//! Metrics, recorded through the `metrics` facade.
//!
//! A warm request only records metrics with static labels, which allocate nothing.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use metrics::{
    Key, Label, Level, Metadata, Unit, counter, describe_counter, describe_gauge,
    describe_histogram, gauge, histogram, with_recorder,
};

const REQUESTS: &str = "jit_provisioning_requests_total";
const REQUEST_DURATION: &str = "jit_provisioning_request_duration_seconds";
const VERIFICATION_DURATION: &str = "jit_provisioning_verification_duration_seconds";
const TOKEN_CACHE: &str = "jit_provisioning_token_cache_total";
const TOKEN_CACHE_ENTRIES: &str = "jit_provisioning_token_cache_entries";
const TOKEN_CACHE_BYTES: &str = "jit_provisioning_token_cache_bytes";
const USER_CACHE: &str = "jit_provisioning_user_cache_total";
const USER_CACHE_ENTRIES: &str = "jit_provisioning_user_cache_entries";
const PROVISIONED: &str = "jit_provisioning_provisioned_total";
const PROVISION_DURATION: &str = "jit_provisioning_provision_duration_seconds";
const REQUIREMENTS_REFUSED: &str = "jit_provisioning_requirements_refused_total";
const KEY_FETCHES: &str = "jit_provisioning_key_fetches_total";
const KEY_FETCH_DURATION: &str = "jit_provisioning_key_fetch_duration_seconds";
const KEYS_FETCHED: &str = "jit_provisioning_keys_fetched_timestamp_seconds";

// The keys of a warm request's metrics. The facade's macros build a key on every call if the name
// is a constant: four calls took 100 ns without a recorder, and take about 25 ns with static keys.
static METADATA: Metadata<'static> =
    Metadata::new(module_path!(), Level::INFO, Some(module_path!()));
static PASSED_LABELS: [Label; 1] = [Label::from_static_parts("outcome", "passed")];
static PASSED: Key = Key::from_static_parts(REQUESTS, &PASSED_LABELS);
static PASSED_DURATION: Key = Key::from_static_parts(REQUEST_DURATION, &PASSED_LABELS);
static HIT_LABELS: [Label; 1] = [Label::from_static_parts("result", "hit")];
static TOKEN_HIT: Key = Key::from_static_parts(TOKEN_CACHE, &HIT_LABELS);
static USER_HIT: Key = Key::from_static_parts(USER_CACHE, &HIT_LABELS);

/// Registers the description of each metric with the installed recorder.
///
/// Call it once, after the recorder is installed. The [module docs](super) list the metrics.
pub fn describe_metrics() {
    describe_counter!(REQUESTS, Unit::Count, "Requests by outcome");
    describe_histogram!(
        REQUEST_DURATION,
        Unit::Seconds,
        "Time from a request's arrival until it is passed on or refused"
    );
    describe_histogram!(
        VERIFICATION_DURATION,
        Unit::Seconds,
        "Verification of tokens not in the cache"
    );
    describe_counter!(TOKEN_CACHE, Unit::Count, "Look-ups of verified tokens");
    describe_gauge!(
        TOKEN_CACHE_ENTRIES,
        Unit::Count,
        "Verified tokens in the cache"
    );
    describe_gauge!(
        TOKEN_CACHE_BYTES,
        Unit::Bytes,
        "Bytes of the verified tokens in the cache"
    );
    describe_counter!(USER_CACHE, Unit::Count, "Look-ups of cached users");
    describe_gauge!(USER_CACHE_ENTRIES, Unit::Count, "Users in the cache");
    describe_counter!(
        PROVISIONED,
        Unit::Count,
        "Users found, created, linked, updated or refused"
    );
    describe_histogram!(
        PROVISION_DURATION,
        Unit::Seconds,
        "Finding or creating users not in the cache"
    );
    describe_counter!(
        REQUIREMENTS_REFUSED,
        Unit::Count,
        "Requests refused for a missing scope or role"
    );
    describe_counter!(KEY_FETCHES, Unit::Count, "Fetches of issuers' keys");
    describe_histogram!(
        KEY_FETCH_DURATION,
        Unit::Seconds,
        "Fetches of issuers' keys"
    );
    describe_gauge!(
        KEYS_FETCHED,
        Unit::Seconds,
        "Time of the last fetch of an issuer's keys, since the Unix epoch"
    );
}

/// The start of a measured operation.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }
}

pub(crate) fn passed(waiting: Option<Stopwatch>) {
    with_recorder(|recorder| {
        let passed = recorder.register_counter(&PASSED, &METADATA);
        passed.increment(1);
        let duration = recorder.register_histogram(&PASSED_DURATION, &METADATA);
        duration.record(waited(waiting));
    });
}

pub(crate) fn finished(outcome: &'static str, waiting: Option<Stopwatch>) {
    counter!(REQUESTS, "outcome" => outcome).increment(1);
    histogram!(REQUEST_DURATION, "outcome" => outcome).record(waited(waiting));
}

/// Returns the time that a request waited. A request that does not wait is not measured, because
/// two readings of the clock would take a fifth of its time.
fn waited(waiting: Option<Stopwatch>) -> Duration {
    waiting.map_or(Duration::ZERO, |watch| watch.0.elapsed())
}

fn count(key: &'static Key) {
    with_recorder(|recorder| {
        let counter = recorder.register_counter(key, &METADATA);
        counter.increment(1);
    });
}

pub(crate) fn token_cache(is_hit: bool) {
    match is_hit {
        true => count(&TOKEN_HIT),
        false => counter!(TOKEN_CACHE, "result" => "miss").increment(1),
    }
}

pub(crate) fn user_cache(is_hit: bool) {
    match is_hit {
        true => count(&USER_HIT),
        false => counter!(USER_CACHE, "result" => "miss").increment(1),
    }
}

pub(crate) fn verified(watch: Stopwatch) {
    histogram!(VERIFICATION_DURATION).record(watch.0.elapsed());
}

pub(crate) fn provisioned(issuer: &str, watch: Stopwatch, outcome: &'static str) {
    let issuer = issuer.to_owned();
    counter!(PROVISIONED, "issuer" => issuer.clone(), "outcome" => outcome).increment(1);
    histogram!(PROVISION_DURATION, "issuer" => issuer).record(watch.0.elapsed());
}

pub(crate) fn token_cache_size(entries: usize, bytes: u64) {
    gauge!(TOKEN_CACHE_ENTRIES).set(entries as f64);
    gauge!(TOKEN_CACHE_BYTES).set(bytes as f64);
}

pub(crate) fn user_cache_size(entries: usize) {
    gauge!(USER_CACHE_ENTRIES).set(entries as f64);
}

pub(crate) fn refused_requirement(reason: &'static str) {
    counter!(REQUIREMENTS_REFUSED, "reason" => reason).increment(1);
}

pub(crate) fn key_fetch(issuer: &str, watch: Stopwatch, result: &'static str) {
    let issuer = issuer.to_owned();
    counter!(KEY_FETCHES, "issuer" => issuer.clone(), "result" => result).increment(1);
    histogram!(KEY_FETCH_DURATION, "issuer" => issuer.clone()).record(watch.0.elapsed());
    if result != "failed" {
        let now = SystemTime::now().duration_since(UNIX_EPOCH);
        gauge!(KEYS_FETCHED, "issuer" => issuer).set(now.unwrap_or_default().as_secs_f64());
    }
}
