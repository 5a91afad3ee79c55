//! One load of a key set: discovery if it is due, then the set.

use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::{jwk, key_set::KeySet, location::Location, shared::Shared};
use crate::fetch::{
    Document, DocumentRequest, FetchError,
    metadata::{is_fetchable, jwks_uri, metadata_urls},
};

/// The result of a successful load.
pub(super) struct Loaded {
    /// `None` means that the set held is still current (304 Not Modified).
    pub(super) set: Option<KeySet>,
    pub(super) etag: Option<String>,
    /// How long the issuer calls the set fresh.
    pub(super) max_age: Option<Duration>,
}

impl Shared {
    pub(super) async fn load(&self) -> Result<Loaded, FetchError> {
        let uri = match &self.location {
            Location::Discovery => self.discover().await?,
            Location::Jwks(uri) => uri.clone(),
        };
        let has_set = self.set.load().is_some();
        let etag = self.progress().etag.clone().filter(|_| has_set);
        let document = self.fetch(&uri, etag).await?;
        let set = match document.body {
            None if has_set => None,
            None => return Err(FetchError::new("not modified, but nothing is held")),
            Some(body) => {
                Some(jwk::parse_set(&body, self.refresh.max_keys).map_err(FetchError::new)?)
            }
        };
        Ok(Loaded {
            set,
            etag: document.etag,
            max_age: document.max_age,
        })
    }

    /// Returns the `jwks_uri` of the issuer's metadata: the one remembered, or a new one.
    async fn discover(&self) -> Result<Box<str>, FetchError> {
        if let Some((uri, until)) = &self.progress().jwks_uri
            && Instant::now() < *until
        {
            return Ok(uri.clone());
        }
        let mut missing = FetchError::status(404);
        for url in metadata_urls(&self.issuer) {
            match self.fetch(&url, None).await {
                Err(error) if error.is_not_found() => missing = error,
                Err(error) => return Err(error),
                Ok(document) => {
                    let body = document.body.unwrap_or_default();
                    let uri = jwks_uri(&body, &self.issuer).map_err(FetchError::new)?;
                    let uri: Box<str> = uri.into();
                    self.progress().jwks_uri =
                        Some((uri.clone(), Instant::now() + self.refresh.rediscovery));
                    return Ok(uri);
                }
            }
        }
        Err(missing)
    }

    /// Fetches one document. The limits hold for every fetcher, including the application's own.
    async fn fetch(&self, url: &str, etag: Option<String>) -> Result<Document, FetchError> {
        if !is_fetchable(url) {
            return Err(FetchError::new("the URL is neither https nor on loopback"));
        }
        let request = DocumentRequest {
            url: url.to_owned(),
            bearer: None,
            etag,
            max_bytes: self.refresh.max_bytes,
        };
        let document = timeout(self.refresh.timeout, self.fetcher.fetch(&request))
            .await
            .map_err(FetchError::new)??;
        match &document.body {
            Some(body) if body.len() > self.refresh.max_bytes => {
                Err(FetchError::new("the document is too large"))
            }
            Some(_) | None => Ok(document),
        }
    }
}
