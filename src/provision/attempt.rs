//! One request, from its arrival until its user is known or it is refused.

use tracing::{Span, Value, field::Empty};

use crate::{
    error::{Error, ProvisionError},
    identity::Identity,
    provisioner::{Outcome, Provisioned},
    telemetry::{self, Stopwatch},
};

/// Notes how a request fares. One that is dropped before it is told has been abandoned.
pub(crate) struct Attempt {
    span: Span,
    /// Set once the request has to wait.
    waiting: Option<Stopwatch>,
    is_told: bool,
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
            is_told: false,
        }
    }

    /// A span that nobody listens to would look for the field's name all the same.
    #[inline]
    fn note(&self, field: &'static str, value: impl Value) {
        if !self.span.is_disabled() {
            self.span.record(field, value);
        }
    }

    /// Takes the time from now on; returns the span, to wait in.
    pub(crate) fn wait(&mut self) -> Span {
        self.waiting = Some(Stopwatch::start());
        self.span.clone()
    }

    #[inline]
    pub(crate) fn looked_for_token(&self, is_known: bool) {
        self.note("token_cached", is_known);
        telemetry::token_cache(is_known);
    }

    pub(crate) fn verified(&self, watch: Stopwatch) {
        telemetry::verified(watch);
    }

    #[inline]
    pub(crate) fn looked_for_user(&self, identity: &Identity, is_known: bool) {
        self.note("issuer", identity.issuer());
        self.note("user_cached", is_known);
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
        self.is_told = true;
        self.note("outcome", "passed");
        self.note("provisioned", outcome.as_str());
        telemetry::passed(self.waiting);
    }

    pub(crate) fn pass_anonymously(mut self) {
        self.is_told = true;
        self.note("outcome", "anonymous");
        telemetry::finished("anonymous", self.waiting);
    }

    pub(crate) fn refuse(mut self, error: &Error) {
        self.is_told = true;
        self.note("outcome", "refused");
        self.note("kind", error.kind().as_str());
        self.note("reason", error.reason());
        self.span.in_scope(|| telemetry::log(error));
        telemetry::finished(error.kind().as_str(), self.waiting);
    }
}

impl Drop for Attempt {
    #[inline]
    fn drop(&mut self) {
        if !self.is_told {
            self.note("outcome", "abandoned");
            telemetry::finished("abandoned", self.waiting);
        }
    }
}
