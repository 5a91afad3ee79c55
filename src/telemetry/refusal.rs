//! The log of refused requests.

use super::meter;
use crate::error::{Error, ErrorKind};

/// Logs and counts a request that an inner layer refused.
pub(crate) fn requirement_refused(error: &Error) {
    log(error);
    meter::refused_requirement(error.reason());
}

/// Logs a refused request: at `WARN` if keys or store are unavailable, which an operator must fix,
/// and otherwise at `DEBUG`.
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
