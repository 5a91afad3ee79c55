//! A fetched document.

use std::time::Duration;

use bytes::Bytes;

/// A fetched document, or the result that the held document is still current.
#[derive(Clone, Debug)]
pub struct Document {
    /// `None` means that the held document is still current.
    pub(crate) body: Option<Bytes>,
    pub(crate) etag: Option<String>,
    pub(crate) max_age: Option<Duration>,
}

impl Document {
    /// Creates a document with this content.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: Some(body.into()),
            etag: None,
            max_age: None,
        }
    }

    /// Creates the result of a 304 response: the held document is still current.
    #[must_use]
    pub fn not_modified() -> Self {
        Self {
            body: None,
            etag: None,
            max_age: None,
        }
    }

    pub(crate) fn body(&self) -> Option<&[u8]> {
        self.body.as_deref()
    }

    /// Sets the document's entity tag.
    #[must_use]
    pub fn with_etag(mut self, etag: impl Into<String>) -> Self {
        self.etag = Some(etag.into());
        self
    }

    /// Sets how long the document is fresh (`Cache-Control: max-age`).
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}
