//! What operators see of a request: its span, its metrics, and what is in neither.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    sync::{Arc, LazyLock, Mutex},
    task::{Context, Poll, Waker},
};

use async_trait::async_trait;
use http::{Request, Response, header::AUTHORIZATION};
use metrics_util::debugging::{DebugValue, DebuggingRecorder, Snapshotter};
use tower::{Layer, Service, ServiceExt, service_fn};
use tower_jit_provisioning::{
    CachedProvisioner, CurrentUser, DenialReason, Identity, JwtVerifier, MemoryProvisioner,
    MemoryUser, ProvisionError, ProvisionLayer, Provisioned, Provisioner, RequireLayer, telemetry,
    testing::{Endpoint, Fault, TestIssuer, TokenBuilder},
};
use tracing::{
    Dispatch, Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Registry, layer::SubscriberExt, registry::LookupSpan};

const ISSUER: &str = "https://id.example.com";
const AUDIENCE: &str = "orders-api";
const SUBJECT: &str = "subject-of-ana";
const EMAIL: &str = "ana.personal@example.com";
const NAME: &str = "Ana Personal";

fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer
        .token(SUBJECT)
        .audience(AUDIENCE)
        .email(EMAIL, true)
        .claim("name", NAME)
}

/// Answers as the scope of the token asks for, and otherwise as a cache over users in memory.
struct Directory(CachedProvisioner<MemoryProvisioner>);

#[async_trait]
impl Provisioner for Directory {
    type User = MemoryUser;

    async fn provision(
        &self,
        identity: &Identity,
    ) -> Result<Provisioned<MemoryUser>, ProvisionError> {
        Err(match identity.scopes().next() {
            Some("conflict") => ProvisionError::Conflict,
            Some("denied") => DenialReason::NoRole.into(),
            Some("down") => ProvisionError::unavailable("connection refused"),
            Some("waits") => std::future::pending().await,
            Some(_) | None => return self.0.provision(identity).await,
        })
    }

    fn cached(&self, identity: &Identity) -> Option<Provisioned<MemoryUser>> {
        self.0.cached(identity)
    }
}

/// Where there is only one subscriber, the thread that comes first past an event decides for all of
/// them whether it is heard, and that may be the thread of a test that does not listen.
static LISTENERS: LazyLock<[Dispatch; 2]> =
    LazyLock::new(|| [(); 2].map(|()| Dispatch::new(Registry::default())));

fn layer(issuer: &TestIssuer) -> ProvisionLayer<Directory> {
    LazyLock::force(&LISTENERS);
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).unwrap();
    let users = CachedProvisioner::new(MemoryProvisioner::new());
    ProvisionLayer::new(verifier, Directory(users))
}

fn request(bearer: Option<&str>) -> Request<()> {
    let mut request = Request::get("/orders");
    if let Some(bearer) = bearer {
        request = request.header(AUTHORIZATION, bearer);
    }
    request.body(()).unwrap()
}

async fn answer(_: Request<()>) -> Result<Response<()>, Infallible> {
    tracing::info!("in the handler");
    Ok(Response::new(()))
}

async fn ask(layer: &ProvisionLayer<Directory>, bearer: Option<&str>) -> u16 {
    let service = layer.layer(service_fn(answer));
    let response = service.oneshot(request(bearer)).await.unwrap();
    response.status().as_u16()
}

/// Every request that there is a word for, one after the other.
async fn ask_everything(issuer: &TestIssuer) {
    let strict = layer(issuer);
    let bearer = token(issuer).bearer();
    let by_scope = |scope: &str| token(issuer).claim("scope", scope).bearer();
    assert_eq!(ask(&strict, Some(&bearer)).await, 200);
    assert_eq!(ask(&strict, Some(&bearer)).await, 200);
    assert_eq!(ask(&strict, None).await, 401);
    assert_eq!(ask(&strict, Some("Bearer")).await, 400);
    assert_eq!(ask(&strict, Some(&format!("{bearer}A"))).await, 401);
    assert_eq!(ask(&strict, Some(&by_scope("conflict"))).await, 403);
    assert_eq!(ask(&strict, Some(&by_scope("denied"))).await, 403);
    assert_eq!(ask(&strict, Some(&by_scope("down"))).await, 503);
    assert_eq!(ask(&strict.clone().allow_anonymous(), None).await, 200);
    let mut service = strict.layer(service_fn(answer));
    let waits = by_scope("waits");
    let mut abandoned = Box::pin(service.call(request(Some(&waits))));
    let poll = abandoned
        .as_mut()
        .poll(&mut Context::from_waker(Waker::noop()));
    assert!(matches!(poll, Poll::Pending));
    drop(abandoned);
}

type Fields = BTreeMap<&'static str, String>;

/// Keeps the fields of every span of this crate's, and every event as a line.
#[derive(Clone, Default)]
struct Seen {
    spans: Arc<Mutex<Vec<(span::Id, Fields)>>>,
    events: Arc<Mutex<Vec<Event>>>,
}

/// Its level, the name of its span, and the event as a line.
type Event = (Level, Option<&'static str>, String);

struct Collect<'a>(&'a mut Fields);

impl Visit for Collect<'_> {
    fn record_str(&mut self, field: &Field, value: &str) {
        self.0.insert(field.name(), value.to_owned());
    }

    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.0.insert(field.name(), format!("{value:?}"));
    }
}

impl<S> tracing_subscriber::Layer<S> for Seen
where
    S: Subscriber + for<'a> LookupSpan<'a>,
{
    fn on_new_span(
        &self,
        attributes: &span::Attributes<'_>,
        id: &span::Id,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        let metadata = attributes.metadata();
        if metadata.target() == "tower_jit_provisioning" {
            assert_eq!(
                (metadata.name(), *metadata.level()),
                ("provision", Level::INFO)
            );
            self.spans.lock().unwrap().push((id.clone(), Fields::new()));
        }
    }

    fn on_record(
        &self,
        id: &span::Id,
        record: &span::Record<'_>,
        _: tracing_subscriber::layer::Context<'_, S>,
    ) {
        let mut spans = self.spans.lock().unwrap();
        // Ids are used again.
        if let Some((_, fields)) = spans.iter_mut().rev().find(|(seen, _)| seen == id) {
            record.record(&mut Collect(fields));
        }
    }

    fn on_event(
        &self,
        event: &tracing::Event<'_>,
        context: tracing_subscriber::layer::Context<'_, S>,
    ) {
        let mut fields = Fields::new();
        event.record(&mut Collect(&mut fields));
        let span = context.event_span(event).map(|span| span.name());
        let line = format!("{} {fields:?}", event.metadata().target());
        let mut events = self.events.lock().unwrap();
        events.push((*event.metadata().level(), span, line));
    }
}

async fn seen(asking: impl Future<Output = ()>) -> Seen {
    let seen = Seen::default();
    let _guard = tracing::subscriber::set_default(Registry::default().with(seen.clone()));
    asking.await;
    seen
}

fn fields<const N: usize>(fields: [(&'static str, &str); N]) -> Fields {
    fields
        .into_iter()
        .map(|(name, value)| (name, value.to_owned()))
        .collect()
}

#[tokio::test]
async fn every_request_has_one_span_with_the_same_few_fields() {
    let issuer = TestIssuer::new(ISSUER);
    let seen = seen(ask_everything(&issuer)).await;
    let spans = seen.spans.lock().unwrap();
    let spans: Vec<&Fields> = spans.iter().map(|(_, fields)| fields).collect();
    let cold = [
        ("issuer", ISSUER),
        ("token_cached", "false"),
        ("user_cached", "false"),
    ];
    let cold = |more: &[(&'static str, &str)]| {
        let mut all = fields(cold);
        all.extend(
            more.iter()
                .map(|(name, value)| (*name, (*value).to_owned())),
        );
        all
    };
    let refused = |kind, reason| [("outcome", "refused"), ("kind", kind), ("reason", reason)];
    let expected = [
        cold(&[("outcome", "passed"), ("provisioned", "created")]),
        fields([
            ("outcome", "passed"),
            ("issuer", ISSUER),
            ("token_cached", "true"),
            ("user_cached", "true"),
            ("provisioned", "found"),
        ]),
        fields(refused("missing_token", "missing_token")),
        fields(refused("invalid_request", "invalid_request")),
        fields([
            ("outcome", "refused"),
            ("kind", "invalid_token"),
            ("reason", "signature"),
            ("token_cached", "false"),
        ]),
        cold(&refused("conflict", "conflict")),
        cold(&refused("denied", "no_role")),
        cold(&refused("unavailable", "store")),
        fields([("outcome", "anonymous")]),
        cold(&[("outcome", "abandoned")]),
    ];
    for (span, expected) in spans.iter().zip(&expected) {
        assert_eq!(*span, expected);
    }
    assert_eq!(spans.len(), expected.len());
}

#[tokio::test]
async fn a_refusal_is_an_event_in_its_span_and_the_handlers_are_not() {
    let issuer = TestIssuer::new(ISSUER);
    let seen = seen(ask_everything(&issuer)).await;
    let events = seen.events.lock().unwrap();
    let refusals: Vec<_> = events
        .iter()
        .filter(|(_, _, line)| line.contains("request refused"))
        .map(|(level, span, _)| (*level, *span))
        .collect();
    let debug = (Level::DEBUG, Some("provision"));
    let warn = (Level::WARN, Some("provision"));
    assert_eq!(refusals, [debug, debug, debug, debug, debug, warn]);
    let mut handlers = events
        .iter()
        .filter(|(_, _, line)| line.contains("in the handler"));
    assert_eq!(handlers.clone().count(), 3);
    assert!(handlers.all(|(_, span, _)| span.is_none()));
}

#[tokio::test]
async fn nothing_personal_and_no_token_is_logged() {
    let issuer = TestIssuer::new(ISSUER);
    let seen = seen(ask_everything(&issuer)).await;
    let token = token(&issuer).sign();
    let signature = token.rsplit('.').next().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    for (level, _, line) in seen.events.lock().unwrap().iter() {
        for secret in [signature, payload] {
            assert!(!line.contains(secret), "{level} {line}");
        }
        // Lower levels are for who looks for a person.
        if *level <= Level::INFO {
            for personal in [SUBJECT, EMAIL, NAME] {
                assert!(!line.contains(personal), "{level} {line}");
            }
        }
    }
    let spans = format!("{:?}", seen.spans.lock().unwrap());
    for secret in [signature, payload, SUBJECT, EMAIL, NAME] {
        assert!(!spans.contains(secret), "{spans}");
    }
}

#[tokio::test]
async fn a_missing_layer_is_an_error_in_the_log_and_an_anonymous_visitor_is_not() {
    let absent = seen(async {
        let extensions = http::Extensions::new();
        CurrentUser::<MemoryUser>::from_extensions(&extensions).unwrap_err();
        CurrentUser::<MemoryUser>::optional_from_extensions(&extensions).unwrap_err();
    })
    .await;
    let events = std::mem::take(&mut *absent.events.lock().unwrap());
    assert_eq!(events.len(), 2);
    for (level, _, line) in events.iter() {
        assert_eq!(*level, Level::ERROR);
        assert!(
            line.contains("MemoryUser") && line.contains("ProvisionLayer"),
            "{line}"
        );
    }
    let anonymous = seen(async {
        let issuer = TestIssuer::new(ISSUER);
        let inner = service_fn(async |request: Request<()>| {
            let extensions = request.extensions();
            let user = CurrentUser::<MemoryUser>::optional_from_extensions(extensions);
            assert!(user.unwrap().is_none());
            Ok::<_, Infallible>(Response::new(()))
        });
        let service = layer(&issuer).allow_anonymous().layer(inner);
        assert_eq!(service.oneshot(request(None)).await.unwrap().status(), 200);
    })
    .await;
    assert!(anonymous.events.lock().unwrap().is_empty());
}

/// Name and labels, in order, and what is behind them: a count, a level, or how many samples.
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
    let issuer = TestIssuer::new(ISSUER);
    ask_everything(&issuer).await;
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
async fn a_request_that_does_not_wait_is_recorded_with_no_time() {
    let recorder = DebuggingRecorder::new();
    let snapshotter = recorder.snapshotter();
    let _guard = metrics::set_default_local_recorder(&recorder);
    // What was recorded since the last look.
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
    let issuer = TestIssuer::new(ISSUER);
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
    // This is about counting, on a machine that may be busy.
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
fn the_documented_names_are_the_ones_in_use() {
    let documented = include_str!("../../src/telemetry/mod.rs");
    let used = include_str!("../../src/telemetry/metrics.rs");
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
