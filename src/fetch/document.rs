//! How documents of an issuer are fetched: a trait, so that an application can bring its client.

use std::{error::Error as StdError, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;
use bytes::Bytes;

use crate::identity::Identity;

/// Fetches an issuer's metadata and key sets.
///
/// # Contract
///
/// * Reads at most [`DocumentRequest::max_bytes`], counted after any decompression.
/// * Follows no redirect to another origin, and only a few to the same.
/// * Leaves retries to the caller, who also bounds the time.
///
/// Feature `jwks` has an implementation; this one serves a file:
///
/// ```
/// use async_trait::async_trait;
/// use tower_jit_provisioning::fetch::{Document, DocumentFetcher, DocumentRequest, FetchError};
///
/// struct FromFile;
///
/// #[async_trait]
/// impl DocumentFetcher for FromFile {
///     async fn fetch(&self, _: &DocumentRequest) -> Result<Document, FetchError> {
///         let body = std::fs::read("jwks.json").map_err(FetchError::new)?;
///         Ok(Document::new(body))
///     }
/// }
/// ```
#[async_trait]
pub trait DocumentFetcher: Send + Sync + 'static {
    /// Fetches one document.
    ///
    /// # Errors
    ///
    /// If there is no answer, or one that is not a success.
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError>;
}

/// What to fetch.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DocumentRequest {
    /// An `https` URL, or an `http` one on loopback.
    pub url: String,
    /// The entity tag of the document held, for `If-None-Match`.
    pub etag: Option<String>,
    /// What to send as `Authorization: Bearer` (RFC 6750 section 2.1): only a request for UserInfo
    /// has it.
    pub bearer: Option<BearerToken>,
    /// The most bytes to read.
    pub max_bytes: usize,
}

impl DocumentRequest {
    pub(crate) fn with_bearer(mut self, token: BearerToken) -> Self {
        self.bearer = Some(token);
        self
    }
}

/// A live credential: to be sent where the request goes, and not to be logged.
#[derive(Clone)]
pub struct BearerToken(Identity);

impl BearerToken {
    /// The token that an identity was verified by.
    pub(crate) fn of(identity: &Identity) -> Self {
        Self(identity.clone())
    }

    /// Returns the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.token()
    }
}

/// Hides the token.
impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}

/// A document, or word that the one held is still current.
#[derive(Clone, Debug)]
pub struct Document {
    pub(crate) body: Option<Bytes>,
    pub(crate) etag: Option<String>,
    pub(crate) max_age: Option<Duration>,
}

impl Document {
    /// A document with this content.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self {
            body: Some(body.into()),
            etag: None,
            max_age: None,
        }
    }

    /// The document held is still current (304).
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

    /// Sets how long the issuer calls the document fresh (`Cache-Control: max-age`).
    #[must_use]
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }
}

/// Why a document could not be had.
#[derive(Clone, Debug)]
pub struct FetchError {
    status: Option<u16>,
    cause: Arc<dyn StdError + Send + Sync>,
}

impl FetchError {
    /// There was no usable answer.
    pub fn new(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self {
            status: None,
            cause: Arc::from(cause.into()),
        }
    }

    /// The answer was not a success.
    #[must_use]
    pub fn status(status: u16) -> Self {
        Self {
            status: Some(status),
            cause: Arc::from(Box::<dyn StdError + Send + Sync>::from(format!(
                "the answer has status {status}"
            ))),
        }
    }

    /// Whether the issuer has no such document.
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
