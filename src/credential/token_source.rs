//! The places of a request that may hold a token.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{bearer, cookie::Cookie, credential::Credential, head::RequestHead};
use crate::error::{Error, ErrorKind};

/// One place in a request where a token may be.
///
/// For [`ProvisionLayer::with_token_sources`](crate::ProvisionLayer::with_token_sources).
#[derive(Clone)]
pub struct TokenSource(Source);

#[derive(Clone)]
enum Source {
    Authorization,
    Cookie(Cookie),
    Custom(Arc<Custom>),
}

type Custom = dyn Fn(&RequestHead<'_>) -> Vec<String> + Send + Sync;

impl TokenSource {
    /// The `Authorization` header with the scheme `Bearer` (RFC 6750 section 2.1).
    ///
    /// A header of another scheme holds no token.
    #[must_use]
    pub fn authorization() -> Self {
        Self(Source::Authorization)
    }

    /// The cookie of this name; an empty one holds no token.
    ///
    /// # Cross-site requests
    ///
    /// A browser sends cookies with every request, also with those that somebody else's page makes.
    /// So a cookie's token is accepted where the request cannot do harm (`GET`, `HEAD`, `OPTIONS`),
    /// and otherwise only where the browser says that the page is the application's own:
    /// `Sec-Fetch-Site` is `same-origin` or `none`, or `Origin` names the request's own host, or an
    /// origin that [`allow_origin`](Self::allow_origin) lists. All else is 403 `cross_site_request`,
    /// also where anonymous requests pass. A WebSocket handshake and a gRPC call are never harmless,
    /// whatever their method, and a client that sends neither header is no browser and has the
    /// `Authorization` header.
    ///
    /// Three things remain the application's:
    ///
    /// * a `GET` handler must not change anything;
    /// * set the cookie `Secure; HttpOnly; SameSite=Lax` and with the prefix `__Host-`: a sibling
    ///   domain can then not plant one of its own, and no script can read it;
    /// * `Origin` is compared with `Host` without the scheme, which a proxy hides, so serve
    ///   `Strict-Transport-Security`.
    #[must_use]
    pub fn cookie(name: impl Into<String>) -> Self {
        Self(Source::Cookie(Cookie::new(name.into())))
    }

    /// Whatever `read` finds in a request: each token it holds in this place, or none.
    ///
    /// More than one is `invalid_request`. Where a browser attaches the value on its own, the
    /// closure has to rule out requests of other sites, as [`cookie`](Self::cookie) does.
    ///
    /// ```
    /// use tower_jit_provisioning::{TokenSource, credential::RequestHead};
    ///
    /// // What a proxy that ends TLS passes on.
    /// let forwarded = TokenSource::from_fn(|request: &RequestHead<'_>| {
    ///     let values = request.headers().get_all("x-forwarded-access-token").iter();
    ///     values.filter_map(|value| Some(value.to_str().ok()?.to_owned())).collect()
    /// });
    /// # let _ = forwarded;
    /// ```
    #[must_use]
    pub fn from_fn(read: impl Fn(&RequestHead<'_>) -> Vec<String> + Send + Sync + 'static) -> Self {
        Self(Source::Custom(Arc::new(read)))
    }

    /// Also accepts a cookie from pages of this origin, as `https://app.example.com`.
    ///
    /// Only of use for a [`cookie`](Self::cookie): other sources are not sent along by browsers.
    #[must_use]
    pub fn allow_origin(self, origin: impl Into<String>) -> Self {
        Self(match self.0 {
            Source::Cookie(cookie) => Source::Cookie(cookie.allow_origin(origin.into())),
            source @ (Source::Authorization | Source::Custom(_)) => source,
        })
    }

    /// Reads the one token of this source, if it holds any.
    #[inline]
    fn read<'a>(&self, request: &RequestHead<'a>) -> Result<Option<Credential<'a>>, Error> {
        match &self.0 {
            Source::Authorization => match bearer::bearer(request.headers()) {
                Ok(token) => Ok(Some(Credential::Bearer(token))),
                Err(error) if error.kind() == ErrorKind::MissingToken => Ok(None),
                Err(error) => Err(error),
            },
            Source::Cookie(cookie) => {
                let token = cookie.read(request)?.map(Cow::Borrowed);
                Ok(token.map(Credential::Text))
            }
            Source::Custom(read) => {
                let mut tokens = read(request);
                let token = tokens.pop();
                match tokens.is_empty() {
                    true => Ok(token.map(Cow::Owned).map(Credential::Text)),
                    false => Err(Error::new(ErrorKind::InvalidRequest)),
                }
            }
        }
    }
}

impl fmt::Debug for TokenSource {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.0 {
            Source::Authorization => f.write_str("Authorization"),
            Source::Cookie(cookie) => cookie.fmt(f),
            Source::Custom(_) => f.write_str("Custom"),
        }
    }
}

/// Finds the one token of a request: the first source's that holds any.
///
/// # Errors
///
/// `missing_token` if none does, and what the first source that holds one has against it.
#[inline]
pub(crate) fn read<'a>(
    sources: &[TokenSource],
    request: &RequestHead<'a>,
) -> Result<Credential<'a>, Error> {
    for source in sources {
        if let Some(token) = source.read(request)? {
            return Ok(token);
        }
    }
    Err(Error::new(ErrorKind::MissingToken))
}
