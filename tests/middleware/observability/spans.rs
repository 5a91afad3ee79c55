//! Spans and events.

use std::{
    collections::BTreeMap,
    convert::Infallible,
    fmt,
    sync::{Arc, Mutex},
};

use http::{Request, Response};
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{CurrentUser, MemoryUser};
use tracing::{
    Level, Subscriber,
    field::{Field, Visit},
    span,
};
use tracing_subscriber::{Registry, layer::SubscriberExt, registry::LookupSpan};

use super::requests::{EMAIL, NAME, SUBJECT, layer, request, send_every_request, token};
use crate::{
    issuer::{ISSUER, issuer},
    log::listen,
};

type Fields = BTreeMap<&'static str, String>;

/// Records the fields of every span of this crate, and every event as a line.
#[derive(Clone, Default)]
struct Seen {
    spans: Arc<Mutex<Vec<(span::Id, Fields)>>>,
    events: Arc<Mutex<Vec<Event>>>,
}

/// The event's level, the name of its span, and the event as a line.
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
        // Span ids are reused.
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
    listen();
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
async fn every_request_has_one_span_with_the_same_fields() {
    let issuer = issuer();
    let seen = seen(send_every_request(&issuer)).await;
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
async fn a_rejection_is_logged_in_its_span_and_handler_events_are_not() {
    let issuer = issuer();
    let seen = seen(send_every_request(&issuer)).await;
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
    let issuer = issuer();
    let seen = seen(send_every_request(&issuer)).await;
    let token = token(&issuer).sign();
    let signature = token.rsplit('.').next().unwrap();
    let payload = token.split('.').nth(1).unwrap();
    for (level, _, line) in seen.events.lock().unwrap().iter() {
        for secret in [signature, payload] {
            assert!(!line.contains(secret), "{level} {line}");
        }
        // Lower levels may name a person: they are for debugging.
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
async fn a_missing_layer_is_logged_as_an_error_and_an_anonymous_request_is_not() {
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
        let issuer = issuer();
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
