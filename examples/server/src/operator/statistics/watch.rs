//! Reads the library's spans when they close.

use std::{
    fmt::Debug,
    time::{Duration, Instant},
};

use tracing::{
    Level, Metadata, Subscriber,
    field::{Field, Visit},
    span::{Attributes, Id, Record},
};
use tracing_subscriber::{Layer, filter::FilterFn, layer::Context, registry::LookupSpan};

use super::Statistics;

/// One request, with the fields of its span.
pub struct Request {
    began: Instant,
    pub outcome: String,
    pub reason: Option<String>,
    pub provisioned: Option<String>,
    pub token_cached: bool,
    pub elapsed: Duration,
}

pub struct Watch(Statistics);

impl Watch {
    /// Returns the layer. Its filter is independent of the log's.
    pub fn layer<S: Subscriber + for<'a> LookupSpan<'a>>(
        statistics: Statistics,
    ) -> impl Layer<S> + use<S> {
        let filter = FilterFn::new(is_request).with_max_level_hint(Level::INFO);
        Self(statistics).with_filter(filter)
    }
}

fn is_request(metadata: &Metadata<'_>) -> bool {
    metadata.is_span()
        && metadata.target() == "tower_jit_provisioning"
        && metadata.name() == "provision"
}

impl<S: Subscriber + for<'a> LookupSpan<'a>> Layer<S> for Watch {
    fn on_new_span(&self, _: &Attributes<'_>, id: &Id, context: Context<'_, S>) {
        if let Some(span) = context.span(id) {
            span.extensions_mut().insert(Request {
                began: Instant::now(),
                outcome: String::new(),
                reason: None,
                provisioned: None,
                token_cached: false,
                elapsed: Duration::ZERO,
            });
        }
    }

    fn on_record(&self, id: &Id, values: &Record<'_>, context: Context<'_, S>) {
        if let Some(span) = context.span(id)
            && let Some(request) = span.extensions_mut().get_mut::<Request>()
        {
            values.record(request);
        }
    }

    fn on_close(&self, id: Id, context: Context<'_, S>) {
        let request = context
            .span(&id)
            .and_then(|span| span.extensions_mut().remove::<Request>());
        if let Some(mut request) = request {
            request.elapsed = request.began.elapsed();
            self.0.count(&request);
        }
    }
}

impl Visit for Request {
    fn record_bool(&mut self, field: &Field, value: bool) {
        if field.name() == "token_cached" {
            self.token_cached = value;
        }
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        match field.name() {
            "outcome" => value.clone_into(&mut self.outcome),
            "provisioned" => self.provisioned = Some(value.to_owned()),
            "reason" => self.reason = Some(value.to_owned()),
            _ => {}
        }
    }

    fn record_debug(&mut self, _: &Field, _: &dyn Debug) {}
}
