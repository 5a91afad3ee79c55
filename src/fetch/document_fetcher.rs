//! The trait by which documents of an issuer are fetched.

use async_trait::async_trait;

use super::{document::Document, document_request::DocumentRequest, fetch_error::FetchError};

/// Fetches an issuer's metadata and key sets.
///
/// # Contract
///
/// * Reads at most [`DocumentRequest::max_bytes`], counted after any decompression.
/// * Follows no redirect to another origin, and only a few to the same.
/// * Does not retry and sets no overall time limit. The caller does both.
///
/// Feature `jwks` adds an implementation over HTTP. This one reads a file:
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
    /// If there is no response, or its status is not a success.
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError>;
}
