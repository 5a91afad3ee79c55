//! The HTTP client of feature `jwks`.
//!
//! It uses reqwest and rustls with its own TLS configuration. It neither reads nor sets the
//! process-wide default of rustls, because a database driver of the application may install
//! another.

use std::{sync::OnceLock, time::Duration};

use async_trait::async_trait;
use http::{
    StatusCode,
    header::{ACCEPT, CACHE_CONTROL, ETAG, IF_NONE_MATCH},
};
use reqwest::{Client, Response, redirect::Policy};
use rustls::{ClientConfig, RootCertStore, crypto::CryptoProvider};
use rustls_platform_verifier::BuilderVerifierExt;

use super::{
    document::Document, document_fetcher::DocumentFetcher, document_request::DocumentRequest,
    fetch_error::FetchError,
};

/// The default number of redirects to follow.
const MAX_REDIRECTS: usize = 3;

/// Fetches documents over HTTPS, and trusts the certificate authorities of the operating system.
///
/// Follows at most three redirects by default, and none to another origin. Requests no compression,
/// so that a small response cannot inflate. Uses the proxy variables of the environment.
#[derive(Debug)]
pub struct HttpFetcher {
    max_redirects: usize,
    client: OnceLock<Result<Client, FetchError>>,
}

impl Default for HttpFetcher {
    fn default() -> Self {
        Self::new()
    }
}

impl HttpFetcher {
    /// Creates a fetcher. The client is built at the first request.
    #[must_use]
    pub fn new() -> Self {
        Self {
            max_redirects: MAX_REDIRECTS,
            client: OnceLock::new(),
        }
    }

    /// Limits the number of redirects to follow. 0 follows none. Default: 3.
    #[must_use]
    pub fn with_max_redirects(self, redirects: usize) -> Self {
        Self {
            max_redirects: redirects,
            client: OnceLock::new(),
        }
    }

    fn client(&self) -> Result<&Client, FetchError> {
        self.client
            .get_or_init(|| build(self.max_redirects))
            .as_ref()
            .map_err(Clone::clone)
    }
}

#[async_trait]
impl DocumentFetcher for HttpFetcher {
    async fn fetch(&self, request: &DocumentRequest) -> Result<Document, FetchError> {
        let mut get = self
            .client()?
            .get(&request.url)
            .header(ACCEPT, "application/json");
        if let Some(etag) = &request.etag {
            get = get.header(IF_NONE_MATCH, etag);
        }
        if let Some(token) = &request.bearer {
            get = get.bearer_auth(token.as_str());
        }
        let mut response = get.send().await.map_err(FetchError::new)?;
        let text = |name| Some(response.headers().get(name)?.to_str().ok()?.to_owned());
        let (etag, max_age) = (text(ETAG), text(CACHE_CONTROL).as_deref().and_then(max_age));
        let document = match response.status() {
            StatusCode::OK => Document::new(read(&mut response, request.max_bytes).await?),
            StatusCode::NOT_MODIFIED => Document::not_modified(),
            status => return Err(FetchError::status(status.as_u16())),
        };
        Ok(Document {
            etag,
            max_age,
            ..document
        })
    }
}

fn build(max_redirects: usize) -> Result<Client, FetchError> {
    let provider = provider().ok_or_else(|| {
        FetchError::new("neither feature `aws-lc-rs` nor `rust-crypto` is enabled")
    })?;
    let versions = || {
        ClientConfig::builder_with_provider(provider.clone().into())
            .with_safe_default_protocol_versions()
    };
    let tls = match versions().and_then(|builder| builder.with_platform_verifier()) {
        Ok(builder) => builder.with_no_client_auth(),
        // Without certificate authorities, HTTP on loopback works and every TLS handshake fails.
        Err(error) => {
            tracing::warn!(%error, "no certificate authorities could be loaded");
            versions()
                .map_err(FetchError::new)?
                .with_root_certificates(RootCertStore::empty())
                .with_no_client_auth()
        }
    };
    let redirects = Policy::custom(move |attempt| {
        let is_same_origin = attempt
            .previous()
            .first()
            .is_some_and(|first| first.origin() == attempt.url().origin());
        if attempt.previous().len() > max_redirects {
            attempt.error("too many redirects")
        } else if is_same_origin {
            attempt.follow()
        } else {
            attempt.error("a redirect to another origin")
        }
    });
    Client::builder()
        .tls_backend_preconfigured(tls)
        .redirect(redirects)
        .connect_timeout(Duration::from_secs(5))
        .pool_idle_timeout(Duration::from_secs(30))
        .build()
        .map_err(FetchError::new)
}

/// Returns the TLS provider that belongs to the signature backend. RustCrypto has none, so ring is
/// used with it.
fn provider() -> Option<CryptoProvider> {
    #[cfg(feature = "aws-lc-rs")]
    return Some(rustls::crypto::aws_lc_rs::default_provider());
    #[cfg(all(feature = "rust-crypto", not(feature = "aws-lc-rs")))]
    return Some(rustls::crypto::ring::default_provider());
    #[cfg(not(any(feature = "aws-lc-rs", feature = "rust-crypto")))]
    None
}

async fn read(response: &mut Response, max_bytes: usize) -> Result<Vec<u8>, FetchError> {
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(FetchError::new)? {
        if body.len() + chunk.len() > max_bytes {
            return Err(FetchError::new("the document is too large"));
        }
        body.extend_from_slice(&chunk);
    }
    Ok(body)
}

/// Reads `max-age` (RFC 9111 section 5.2.2.1).
fn max_age(cache_control: &str) -> Option<Duration> {
    cache_control
        .split(',')
        .filter_map(|directive| directive.trim().split_once('='))
        .find(|(name, _)| name.eq_ignore_ascii_case("max-age"))
        .and_then(|(_, seconds)| seconds.trim_matches('"').parse().ok())
        .map(Duration::from_secs)
}
