//! A request for one document.

use super::bearer_token::BearerToken;

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
