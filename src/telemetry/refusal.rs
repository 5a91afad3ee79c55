//! How refusals are logged.

use super::meter;
use crate::error::{Error, ErrorKind};

/// Notes that a layer behind the one that provisions refused a request.
pub(crate) fn requirement_refused(error: &Error) {
    log(error);
    meter::refused_requirement(error.reason());
}

/// A refusal is the caller's affair and logged for who looks for it; an outage is the operator's.
pub(crate) fn log(error: &Error) {
    let (kind, reason) = (error.kind().as_str(), error.reason());
    if error.kind() == ErrorKind::Unavailable {
        let cause = std::error::Error::source(error).and_then(std::error::Error::source);
        let cause = cause.map(tracing::field::display);
        tracing::warn!(kind, reason, cause, "request refused");
    } else {
        tracing::debug!(kind, reason, "request refused");
    }
}
