//! What the issuer's UserInfo endpoint says of a new user.

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

/// How long metadata and UserInfo may take together.
const TIMEOUT: Duration = Duration::from_secs(2);

/// The largest document, in bytes: it says who somebody is.
const MAX_BYTES: usize = 64 * 1024;

/// How long an issuer's endpoint is remembered.
const REDISCOVERY: Duration = Duration::from_secs(60 * 60);

/// How long an issuer whose metadata cannot be had is left alone: newcomers do not wait for it one
/// by one.
const COOL_DOWN: Duration = Duration::from_secs(10);

/// Asks the issuer's UserInfo endpoint (OpenID Connect Core 1.0 section 5.3) about people whose token
/// lacks an address or a name, once, when they are created.
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
/// The endpoint is the one that the metadata of the token's own, trusted issuer names; the metadata's
/// `issuer` must be that one. The token goes there, as the standard says, and nowhere else: not to
/// another origin by a redirect, and not over plain HTTP but on loopback. An issuer without such an
/// endpoint, or one that does not take tokens meant for an API, leaves the user as the token
/// describes it.
///
/// # Why an address from here verifies nothing
///
/// The answer is not signed, and it is not the document that the token's `email_verified` stands in.
/// Where address and flag came from two documents, or from one that nobody signed, accounts were
/// taken over (fusionauth-issues#2542, CVE-2026-84458). So the address is shown and never finds,
/// links or blocks anybody, whatever `email_verified` beside it says. And the answer counts only if
/// its `sub` is the token's (section 5.3.2): a token may have been swapped for somebody else's on
/// the way.
pub struct UserInfo {
    fetcher: Box<dyn DocumentFetcher>,
    timeout: Duration,
    /// By issuer; there are as many as are trusted.
    endpoints: Mutex<HashMap<Box<str>, Arc<Slot>>>,
}

/// Held by whoever looks for the endpoint.
#[derive(Default)]
struct Slot(tokio::sync::Mutex<Option<Endpoint>>);

/// What is remembered of an issuer.
struct Endpoint {
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
    /// Asks through this client.
    #[must_use]
    pub fn new(fetcher: impl DocumentFetcher) -> Self {
        Self {
            fetcher: Box::new(fetcher),
            timeout: TIMEOUT,
            endpoints: Mutex::default(),
        }
    }

    /// Bounds how long a newcomer waits for metadata and answer together. Default: 2 seconds; the
    /// provisioner's own bound may be shorter.
    #[must_use]
    pub fn with_timeout(mut self, timeout: Duration) -> Self {
        self.timeout = timeout;
        self
    }

    async fn ask(&self, identity: &Identity) -> Result<Enrichment, BoxError> {
        let Some(url) = self.endpoint(identity.issuer()).await? else {
            return Ok(Enrichment::default());
        };
        let request = request(url).with_bearer(BearerToken::of(identity));
        let document = self.fetcher.fetch(&request).await?;
        let document = document.body().ok_or("the answer has no content")?;
        let claims: Value = identity.claims()?;
        read(document, claims.get("sub").and_then(Value::as_str))
    }

    /// Finds the endpoint of an issuer, if it has one. One newcomer looks, the others wait.
    async fn endpoint(&self, issuer: &str) -> Result<Option<String>, BoxError> {
        let known = Arc::clone(self.endpoints().entry(issuer.into()).or_default());
        let mut known = known.0.lock().await;
        if let Some(endpoint) = known.as_ref().filter(|known| Instant::now() < known.until) {
            return Ok(endpoint.url.clone());
        }
        // What stands if the search fails, or is given up half way.
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
            // Nowhere to ask: an issuer that is no URL.
            None => Ok(None),
            Some(error) => Err(error.into()),
        }
    }

    /// No code panics while it holds this lock.
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

/// Reads an answer about this `sub`.
fn read(document: &[u8], sub: Option<&str>) -> Result<Enrichment, BoxError> {
    let claims = Object::parse(document).map_err(|_| "the answer is not a JSON object")?;
    let text = |name: &str| claims.get(name).and_then(Claim::as_str);
    if sub.is_none() || text("sub") != sub {
        return Err("the answer is about somebody else".into());
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
        timeout(self.timeout, self.ask(identity)).await?
    }
}

impl fmt::Debug for UserInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UserInfo")
            .field("timeout", &self.timeout)
            .finish_non_exhaustive()
    }
}
