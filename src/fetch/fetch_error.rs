//! The error of a fetch.

use std::{error::Error as StdError, fmt, sync::Arc};

/// The reason for which a document could not be fetched.
#[derive(Clone, Debug)]
pub struct FetchError {
    status: Option<u16>,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl FetchError {
    /// Creates the error of a fetch without a usable response.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            status: None,
            cause: Arc::from(cause.into()),
        }
    }

    /// Creates the error of a response with a status that is not a success.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            cause: Arc::from(Box::<dyn StdError + Send + Sync>::from(format!(
                "the response has status {status}"
            ))),
        }
    }

    /// Returns whether the issuer has no such document.
    pub(crate) fn is_not_found(&self) -> bool {
        matches!(self.status, Some(404 | 405 | 410))
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl StdError for FetchError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.cause.source()
    }
}
