//! A request for one document.

use super::bearer_token::BearerToken;

/// A request for one document.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct DocumentRequest {
    /// An `https` URL, or an `http` one on loopback.
    pub url: String,
    /// The entity tag of the held document, for `If-None-Match`.
    pub etag: Option<String>,
    /// The token for `Authorization: Bearer` (RFC 6750 section 2.1). Only requests to the UserInfo
    /// endpoint have one.
    pub bearer: Option<BearerToken>,
    /// The maximum number of bytes to read.
    pub max_bytes: usize,
}

impl DocumentRequest {
    pub(crate) fn with_bearer(mut self, token: BearerToken) -> Self {
        self.bearer = Some(token);
        self
    }
}
