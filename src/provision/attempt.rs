//! Telemetry of one request: its span, its metrics and the log line of a refusal.

use tracing::{Span, Value, field::Empty};

use crate::{
    error::{Error, ProvisionError},
    identity::Identity,
    provisioner::{Outcome, Provisioned},
    telemetry::{self, Stopwatch},
};

/// Records the outcome of a request. An attempt that is dropped without an outcome counts as
/// abandoned.
pub(crate) struct Attempt {
    span: Span,
    /// `None` until the request has to wait for verification or provisioning.
    waiting: Option<Stopwatch>,
    is_recorded: bool,
}

impl Attempt {
    #[inline]
    pub(crate) fn begin() -> Self {
        Self {
            span: tracing::info_span!(
                target: "tower_jit_provisioning",
                "provision",
                outcome = Empty,
                kind = Empty,
                reason = Empty,
                issuer = Empty,
                token_cached = Empty,
                user_cached = Empty,
                provisioned = Empty,
            ),
            waiting: None,
            is_recorded: false,
        }
    }

    /// Records a field of the span. A disabled span would still look up the field's name.
    #[inline]
    fn record(&self, field: &'static str, value: impl Value) {
        if !self.span.is_disabled() {
            self.span.record(field, value);
        }
    }

    /// Starts the stopwatch, and returns the span to wait in.
    pub(crate) fn wait(&mut self) -> Span {
        self.waiting = Some(Stopwatch::start());
        self.span.clone()
    }

    #[inline]
    pub(crate) fn token_looked_up(&self, is_known: bool) {
        self.record("token_cached", is_known);
        telemetry::token_cache(is_known);
    }

    pub(crate) fn verified(&self, watch: Stopwatch) {
        telemetry::verified(watch);
    }

    #[inline]
    pub(crate) fn user_looked_up(&self, identity: &Identity, is_known: bool) {
        self.record("issuer", identity.issuer());
        self.record("user_cached", is_known);
        telemetry::user_cache(is_known);
    }

    pub(crate) fn provisioned<U>(
        &self,
        identity: &Identity,
        watch: Stopwatch,
        result: &Result<Provisioned<U>, ProvisionError>,
    ) {
        let outcome = match result {
            Ok(provisioned) => provisioned.outcome().as_str(),
            Err(error) => error.reason(),
        };
        telemetry::provisioned(identity.issuer(), watch, outcome);
    }

    #[inline]
    pub(crate) fn pass(mut self, outcome: Outcome) {
        self.is_recorded = true;
        self.record("outcome", "passed");
        self.record("provisioned", outcome.as_str());
        telemetry::passed(self.waiting);
    }

    pub(crate) fn pass_anonymously(mut self) {
        self.is_recorded = true;
        self.record("outcome", "anonymous");
        telemetry::finished("anonymous", self.waiting);
    }

    pub(crate) fn refuse(mut self, error: &Error) {
        self.is_recorded = true;
        self.record("outcome", "refused");
        self.record("kind", error.kind().as_str());
        self.record("reason", error.reason());
        self.span.in_scope(|| telemetry::log(error));
        telemetry::finished(error.kind().as_str(), self.waiting);
    }
}

impl Drop for Attempt {
    #[inline]
    fn drop(&mut self) {
        if !self.is_recorded {
            self.record("outcome", "abandoned");
            telemetry::finished("abandoned", self.waiting);
        }
    }
}
