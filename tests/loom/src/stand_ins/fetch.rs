//! Documents, and the fetcher of a model.

use real_std::{error::Error, fmt, sync::Arc, time::Duration};

use async_trait::async_trait;

#[async_trait]
pub trait DocumentFetcher: Send + Sync + 'static {
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError>;
}

pub struct DocumentRequest {
    pub url: String,
    pub bearer: Option<()>,
    pub etag: Option<String>,
    pub max_bytes: usize,
}

pub struct Document {
    pub body: Option<Vec<u8>>,
    pub etag: Option<String>,
    pub max_age: Option<Duration>,
}

#[derive(Debug)]
pub struct FetchError(Arc<dyn Error + Send + Sync>);

impl FetchError {
    pub fn new(cause: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self(Arc::from(cause.into()))
    }

    pub fn status(status: u16) -> Self {
        Self::new(status.to_string())
    }

    pub fn is_not_found(&self) -> bool {
        false
    }
}

impl fmt::Display for FetchError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

pub mod metadata {
    pub fn is_fetchable(_: &str) -> bool {
        true
    }

    pub fn metadata_urls(issuer: &str) -> [String; 1] {
        [issuer.to_owned()]
    }

    pub fn jwks_uri(_: &[u8], _: &str) -> Result<String, &'static str> {
        Err("nothing is discovered")
    }
}
