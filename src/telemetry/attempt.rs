//! One request, from its arrival until its user is known or it is refused.

use tracing::{Span, Value, field::Empty};

use super::meter::{self, Stopwatch};
use crate::{
    error::{Error, ErrorKind},
    identity::Identity,
    provisioner::{Outcome, ProvisionError, Provisioned},
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
        meter::token_cache(is_known);
    }

    pub(crate) fn verified(&self, watch: Stopwatch) {
        meter::verified(watch);
    }

    #[inline]
    pub(crate) fn looked_for_user(&self, identity: &Identity, is_known: bool) {
        self.note("issuer", identity.issuer());
        self.note("user_cached", is_known);
        meter::user_cache(is_known);
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
        meter::provisioned(identity, watch, outcome);
    }

    #[inline]
    pub(crate) fn pass(mut self, outcome: Outcome) {
        self.is_told = true;
        self.note("outcome", "passed");
        self.note("provisioned", outcome.as_str());
        meter::passed(self.waiting);
    }

    pub(crate) fn pass_anonymously(mut self) {
        self.is_told = true;
        self.note("outcome", "anonymous");
        meter::told("anonymous", self.waiting);
    }

    pub(crate) fn refuse(mut self, error: &Error) {
        self.is_told = true;
        self.note("outcome", "refused");
        self.note("kind", error.kind().as_str());
        self.note("reason", error.reason());
        self.span.in_scope(|| log(error));
        meter::told(error.kind().as_str(), self.waiting);
    }
}

impl Drop for Attempt {
    #[inline]
    fn drop(&mut self) {
        if !self.is_told {
            self.note("outcome", "abandoned");
            meter::told("abandoned", self.waiting);
        }
    }
}

/// Notes that a layer behind the one that provisions refused a request.
pub(crate) fn requirement_refused(error: &Error) {
    log(error);
    meter::refused_requirement(error.reason());
}

/// A refusal is the caller's affair and logged for who looks for it; an outage is the operator's.
fn log(error: &Error) {
    let (kind, reason) = (error.kind().as_str(), error.reason());
    if error.kind() == ErrorKind::Unavailable {
        let cause = std::error::Error::source(error).and_then(std::error::Error::source);
        let cause = cause.map(tracing::field::display);
        tracing::warn!(kind, reason, cause, "request refused");
    } else {
        tracing::debug!(kind, reason, "request refused");
    }
}
