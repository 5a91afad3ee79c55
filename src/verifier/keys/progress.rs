//! What the next fetch of an issuer's keys depends on.

use std::{sync::Arc, time::SystemTime};

use tokio::{sync::watch, task::AbortHandle, time::Instant};

/// What the next fetch depends on.
#[derive(Default)]
pub(super) struct Progress {
    /// Closed when the flight has landed.
    pub(super) flight: Option<watch::Receiver<()>>,
    /// When the next fetch is due, or may be tried after a failure.
    pub(super) due: Option<Instant>,
    /// When a token last caused a fetch.
    pub(super) demanded: Option<Instant>,
    pub(super) failures: u32,
    pub(super) jwks_uri: Option<(Box<str>, Instant)>,
    pub(super) etag: Option<String>,
    /// The background refresh. It ends with the runtime it was started on, and starts on the next.
    pub(super) keeper: Option<AbortHandle>,
    /// The configuration is gone: nothing is fetched for it any more.
    pub(super) is_retired: bool,
    pub(super) last_success: Option<SystemTime>,
    pub(super) last_error: Option<(SystemTime, Arc<str>)>,
}

impl Progress {
    pub(super) fn is_flying(&self) -> bool {
        let flight = self.flight.as_ref();
        flight.is_some_and(|flight| flight.has_changed().is_ok())
    }
}
