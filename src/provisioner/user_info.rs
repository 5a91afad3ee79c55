//! Attributes of a new user from the issuer's UserInfo endpoint.

use std::{
    collections::HashMap,
    error::Error as StdError,
    fmt,
    sync::{Arc, Mutex, MutexGuard, PoisonError},
    time::Duration,
};

use async_trait::async_trait;
use serde_json::Value;
use tokio::time::{Instant, timeout};

use super::enricher::{Enricher, Enrichment};
use crate::{
    claims::{Object, Value as Claim},
    fetch::{BearerToken, DocumentFetcher, DocumentRequest, metadata},
    identity::Identity,
    principal::PrincipalKind,
};

/// Timeout for fetching metadata and UserInfo together.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The maximum size of a document, in bytes.
const MAX_BYTES: usize = 64 * 1024;

/// How long the endpoint of an issuer is cached.
const REDISCOVERY: Duration = Duration::from_secs(60 * 60);

/// How long to wait after a failed discovery before the next one, so that not every new user waits
/// for an issuer that is down.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// Fetches the attributes of a new user from the issuer's UserInfo endpoint (OpenID Connect Core
/// 1.0 section 5.3).
///
/// The endpoint is called once, when a person is created whose token lacks an address or a name.
///
/// ```no_run
/// # #[cfg(all(feature = "jwks", feature = "sea-orm"))]
/// # fn run(db: sea_orm::DatabaseConnection) {
/// use tower_jit_provisioning::{
///     fetch::HttpFetcher,
///     provisioner::UserInfo,
///     sea_orm::SeaOrmProvisioner,
/// };
///
/// let users = SeaOrmProvisioner::new(db).with_enricher(UserInfo::new(HttpFetcher::new()));
/// # let _ = users;
/// # }
/// ```
///
/// The endpoint comes from the metadata of the token's issuer, which must be trusted and must equal
/// the metadata's `issuer`. The token is sent to this endpoint only: never to another origin after
/// a redirect, and over plain HTTP only on loopback. If the issuer has no UserInfo endpoint, or the
/// endpoint does not accept tokens for an API, the user is created with the attributes of the
/// token.
///
/// # Why the address is never verified
///
/// The UserInfo response is not signed, and it is not the document that contains the token's
/// `email_verified`. Accounts were taken over where address and flag came from two documents, or
/// from an unsigned document (fusionauth-issues#2542, CVE-2026-84458). The address is therefore for
/// display only. It never finds, links or blocks a user, regardless of the response's
/// `email_verified`.
///
/// The response is used only if its `sub` equals that of the token (section 5.3.2), because a token
/// may have been substituted by that of another user.
pub struct UserInfo {
    fetcher: Box<dyn DocumentFetcher>,
    timeout: Duration,
    /// Endpoints by issuer. Only trusted issuers have an entry.
    endpoints: Mutex<HashMap<Box<str>, Arc<Slot>>>,
}

/// The endpoint of an issuer. The lock is held during discovery.
#[derive(Default)]
struct Slot(tokio::sync::Mutex<Option<Endpoint>>);

/// A cached result of discovery.
struct Endpoint {
    /// `None` means that the issuer has no endpoint, or that discovery failed.
    url: Option<String>,
    until: Instant,
}

impl Endpoint {
    fn new(url: Option<String>, time: Duration) -> Self {
        let until = Instant::now() + time;
        Self { url, until }
    }
}

type BoxError = Box<dyn StdError + Send + Sync>;

impl UserInfo {
    /// Creates an enricher that fetches documents with `fetcher`.
    #[must_use]
    pub fn new(fetcher: impl DocumentFetcher) -> Self {
        Self {
            fetcher: Box::new(fetcher),
            timeout: TIMEOUT,
            endpoints: Mutex::default(),
        }
    }

    /// Sets the timeout for fetching metadata and UserInfo together. The provisioner's own deadline
    /// may be shorter.
    ///
    /// Default: 2 seconds.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn fetch(&self, identity: &Identity) -> Result<Enrichment, BoxError> {
        let Some(url) = self.endpoint(identity.issuer()).await? else {
            return Ok(Enrichment::default());
        };
        let request = request(url).with_bearer(BearerToken::of(identity));
        let document = self.fetcher.fetch(&request).await?;
        let document = document
            .body()
            .ok_or("the UserInfo response has no content")?;
        let claims: Value = identity.claims()?;
        parse(document, claims.get("sub").and_then(Value::as_str))
    }

    /// Returns the endpoint of an issuer, or `None` if it has none. Concurrent calls share one
    /// discovery.
    async fn endpoint(&self, issuer: &str) -> Result<Option<String>, BoxError> {
        let known = Arc::clone(self.endpoints().entry(issuer.into()).or_default());
        let mut known = known.0.lock().await;
        if let Some(endpoint) = known.as_ref().filter(|known| Instant::now() < known.until) {
            return Ok(endpoint.url.clone());
        }
        // Remains in place if discovery fails or is cancelled.
        *known = Some(Endpoint::new(None, COOL_DOWN));
        let url = self.discover(issuer).await?;
        *known = Some(Endpoint::new(url.clone(), REDISCOVERY));
        Ok(url)
    }

    async fn discover(&self, issuer: &str) -> Result<Option<String>, BoxError> {
        let mut last = None;
        for url in metadata::metadata_urls(issuer) {
            if !metadata::is_fetchable(&url) {
                continue;
            }
            match self.fetcher.fetch(&request(url)).await {
                Ok(document) => {
                    let document = document.body().ok_or("the metadata has no content")?;
                    return Ok(metadata::userinfo_endpoint(document, issuer)?);
                }
                Err(error) if error.is_not_found() => last = Some(error),
                Err(error) => return Err(error.into()),
            }
        }
        match last {
            // The issuer is not a URL, so it has no metadata.
            None => Ok(None),
            Some(error) => Err(error.into()),
        }
    }

    /// No code panics while it holds this lock, so a poisoned lock is still consistent.
    fn endpoints(&self) -> MutexGuard<'_, HashMap<Box<str>, Arc<Slot>>> {
        self.endpoints
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }
}

fn request(url: String) -> DocumentRequest {
    DocumentRequest {
        url,
        etag: None,
        bearer: None,
        max_bytes: MAX_BYTES,
    }
}

/// Parses the UserInfo response of this `sub`.
fn parse(document: &[u8], sub: Option<&str>) -> Result<Enrichment, BoxError> {
    let claims =
        Object::parse(document).map_err(|_| "the UserInfo response is not a JSON object")?;
    let text = |name: &str| claims.get(name).and_then(Claim::as_str);
    if sub.is_none() || text("sub") != sub {
        return Err("the UserInfo response has another `sub`".into());
    }
    let text = |name: &str| text(name).map(str::to_owned);
    Ok(Enrichment {
        email: text("email"),
        full_name: text("name"),
        username: text("preferred_username"),
    })
}

#[async_trait]
impl Enricher for UserInfo {
    async fn enrich(&self, identity: &Identity) -> Result<Enrichment, BoxError> {
        let is_complete = identity.email().is_some() && identity.full_name().is_some();
        if is_complete || identity.kind() != PrincipalKind::Human {
            return Ok(Enrichment::default());
        }
        timeout(self.timeout, self.fetch(identity)).await?
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
