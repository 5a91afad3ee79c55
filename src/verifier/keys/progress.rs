//! The state that decides when an issuer's keys are fetched next.

use std::{sync::Arc, time::SystemTime};

use tokio::{sync::watch, task::AbortHandle, time::Instant};

/// The results of earlier fetches, and the tasks under way.
#[derive(Default)]
pub(super) struct Progress {
    /// The latest fetch; closed when it has finished.
    pub(super) fetch: Option<watch::Receiver<()>>,
    /// When the next fetch is due, or may be retried after a failure.
    pub(super) due: Option<Instant>,
    /// When a token last caused a fetch.
    pub(super) demanded: Option<Instant>,
    /// Failed fetches since the last success.
    pub(super) failures: u32,
    /// The URL that discovery found, and until when it is used.
    pub(super) jwks_uri: Option<(Box<str>, Instant)>,
    pub(super) etag: Option<String>,
    /// The task that refreshes in the background. It ends with the tokio runtime that it was
    /// started on, and is started again on the next.
    pub(super) background_refresh: Option<AbortHandle>,
    /// The configuration was replaced or removed, and nothing is fetched for it any more.
    pub(super) is_withdrawn: bool,
    pub(super) last_success: Option<SystemTime>,
    pub(super) last_error: Option<(SystemTime, Arc<str>)>,
}

impl Progress {
    /// Returns whether a fetch is under way.
    pub(super) fn is_fetching(&self) -> bool {
        let fetch = self.fetch.as_ref();
        fetch.is_some_and(|fetch| fetch.has_changed().is_ok())
    }
}
