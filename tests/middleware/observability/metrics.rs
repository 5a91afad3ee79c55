//! Metrics.

use std::collections::BTreeMap;

use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{
    JwtVerifier, RequireLayer, telemetry,
    testing::{Endpoint, Fault, TestIssuer},
};

use super::requests::{
    EMAIL, NAME, SUBJECT, answer, ask, layer, request, send_every_request, token,
};
use crate::issuer::{AUDIENCE, ISSUER, issuer};

/// Maps name and labels, in order, to a value: a count, a level, or the number of samples.
fn snapshot(snapshotter: &Snapshotter) -> BTreeMap<String, f64> {
    let metrics = snapshotter.snapshot().into_vec().into_iter();
    metrics
        .map(|(key, _, _, value)| {
            let key = key.key();
            let mut name = key.name().to_owned();
            for label in key.labels() {
                name = format!("{name} {}={}", label.key(), label.value());
            }
            let value = match value {
                DebugValue::Counter(count) => count as f64,
                DebugValue::Gauge(level) => level.into_inner(),
                DebugValue::Histogram(samples) => samples.len() as f64,
            };
            (name, value)
        })
        .collect()
}

#[tokio::test]
async fn requests_caches_and_users_are_counted() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    telemetry::describe_metrics();
    let issuer = issuer();
    send_every_request(&issuer).await;
    let guarded = RequireLayer::scope("orders:read").layer(service_fn(answer));
    let service = layer(&issuer).layer(guarded);
    let bearer = token(&issuer).bearer();
    let response = service.oneshot(request(Some(&bearer))).await.unwrap();
    assert_eq!(response.status(), 403);
    drop(guard);

    let metrics = snapshot(&snapshotter);
    let bytes = metrics["jit_provisioning_token_cache_bytes"];
    assert!((500.0..5000.0).contains(&bytes), "{bytes}");
    let issuer = format!("issuer={ISSUER}");
    for (name, value) in [
        ("requests_total outcome=passed".to_owned(), 3.0),
        ("requests_total outcome=anonymous".to_owned(), 1.0),
        ("requests_total outcome=abandoned".to_owned(), 1.0),
        ("requests_total outcome=missing_token".to_owned(), 1.0),
        ("requests_total outcome=invalid_request".to_owned(), 1.0),
        ("requests_total outcome=invalid_token".to_owned(), 1.0),
        ("requests_total outcome=conflict".to_owned(), 1.0),
        ("requests_total outcome=denied".to_owned(), 1.0),
        ("requests_total outcome=unavailable".to_owned(), 1.0),
        ("request_duration_seconds outcome=passed".to_owned(), 3.0),
        ("request_duration_seconds outcome=denied".to_owned(), 1.0),
        ("token_cache_total result=hit".to_owned(), 1.0),
        ("token_cache_total result=miss".to_owned(), 7.0),
        ("token_cache_entries".to_owned(), 1.0),
        ("verification_duration_seconds".to_owned(), 6.0),
        ("user_cache_total result=hit".to_owned(), 1.0),
        ("user_cache_total result=miss".to_owned(), 6.0),
        ("user_cache_entries".to_owned(), 1.0),
        (format!("provisioned_total {issuer} outcome=created"), 2.0),
        (format!("provisioned_total {issuer} outcome=conflict"), 1.0),
        (format!("provisioned_total {issuer} outcome=no_role"), 1.0),
        (format!("provisioned_total {issuer} outcome=store"), 1.0),
        (format!("provision_duration_seconds {issuer}"), 5.0),
        (
            "requirements_refused_total reason=insufficient_scope".to_owned(),
            1.0,
        ),
    ] {
        let name = format!("jit_provisioning_{name}");
        assert_eq!(metrics.get(&name), Some(&value), "{name}: {metrics:#?}");
    }
    for name in metrics.keys() {
        assert!(
            ![SUBJECT, EMAIL, NAME]
                .iter()
                .any(|personal| name.contains(personal)),
            "{name}"
        );
    }
}

#[tokio::test]
async fn a_request_that_does_not_wait_is_recorded_with_zero_duration() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    // Returns the samples recorded since the last call.
    let recorded = || -> Vec<f64> {
        let metrics = snapshotter.snapshot().into_vec().into_iter();
        let samples = metrics.filter_map(|(key, _, _, value)| match value {
            DebugValue::Histogram(samples)
                if key.key().name() == "jit_provisioning_request_duration_seconds" =>
            {
                Some(samples)
            }
            _ => None,
        });
        samples.flatten().map(f64::from).collect()
    };
    let issuer = issuer();
    let layer = layer(&issuer);
    let bearer = token(&issuer).bearer();
    let unknown_user = token(&issuer).claim("scope", "orders:read").bearer();
    for (bearer, status, waits) in [
        (Some(&bearer), 200, true),
        (Some(&bearer), 200, false),
        (Some(&unknown_user), 200, true),
        (Some(&unknown_user), 200, false),
        (Some(&format!("{bearer}A")), 401, true),
        (None, 401, false),
    ] {
        assert_eq!(ask(&layer, bearer.map(String::as_str)).await, status);
        let seconds = recorded();
        assert_eq!(seconds.len(), 1);
        assert_eq!(seconds[0] > 0.0, waits, "{status}: {seconds:?}");
    }
}

#[cfg(feature = "jwks")]
#[tokio::test]
async fn key_fetches_are_counted_by_result() {
    use std::time::Duration;

    use tower_jit_provisioning::{TrustedIssuer, verifier::KeyRefresh};

    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let guard = metrics::set_default_local_recorder(&recorder);
    let issuer = TestIssuer::serve();
    // The test is about counting, and the machine may be busy.
    let minute = Duration::from_secs(60);
    let patient = KeyRefresh::new().with_timeout(minute).with_wait(minute);
    let trusted =
        || TrustedIssuer::discover(issuer.name(), AUDIENCE).with_key_refresh(patient.clone());
    let verifier = JwtVerifier::new([trusted()]).unwrap();
    verifier.ready().await.unwrap();
    issuer.set_fault(Endpoint::Jwks, Fault::Status(500));
    let other = JwtVerifier::new([trusted()]).unwrap();
    other.ready().await.unwrap_err();
    drop(guard);

    let metrics = snapshot(&snapshotter);
    let label = format!("issuer={}", issuer.name());
    for (name, value) in [
        (format!("key_fetches_total {label} result=fetched"), 1.0),
        (format!("key_fetches_total {label} result=failed"), 1.0),
        (format!("key_fetch_duration_seconds {label}"), 2.0),
    ] {
        let name = format!("jit_provisioning_{name}");
        assert_eq!(metrics.get(&name), Some(&value), "{name}: {metrics:#?}");
    }
    let fetched = format!("jit_provisioning_keys_fetched_timestamp_seconds {label}");
    let now = std::time::SystemTime::now();
    let now = now
        .duration_since(std::time::UNIX_EPOCH)
        .unwrap()
        .as_secs_f64();
    assert!((now - metrics[&fetched]).abs() < 60.0);
}

#[test]
fn the_documented_metric_names_are_in_use() {
    let documented = include_str!("../../../src/telemetry/mod.rs");
    let used = include_str!("../../../src/telemetry/metrics.rs");
    let names = |text: &str, quote: char| -> Vec<String> {
        let mut names: Vec<String> = text
            .split(quote)
            .filter(|word| word.starts_with("jit_provisioning_"))
            .map(str::to_owned)
            .collect();
        names.sort_unstable();
        names
    };
    assert_eq!(names(documented, '`'), names(used, '"'));
    assert_eq!(names(used, '"').len(), 14);
}
