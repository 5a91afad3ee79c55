//! The sources of a request's token.

use std::{borrow::Cow, fmt, sync::Arc};

use super::{bearer, cookie::Cookie, credential::Credential, head::RequestHead};
use crate::error::{Error, ErrorKind};

/// Source of a request's token.
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
    /// Reads the `Authorization` header with the scheme `Bearer` (RFC 6750 section 2.1).
    ///
    /// A header with another scheme holds no token.
    #[must_use]
    pub fn authorization() -> Self {
        Self(Source::Authorization)
    }

    /// Reads the cookie of this name. An empty cookie holds no token.
    ///
    /// # Cross-site requests
    ///
    /// A browser sends cookies with every request, including requests that pages of other sites
    /// make. A cookie's token is accepted if the method is safe (`GET`, `HEAD`, `OPTIONS`).
    /// Otherwise it is accepted only if the browser states that the page belongs to the
    /// application: `Sec-Fetch-Site` is `same-origin` or `none`, or `Origin` is the request's own
    /// host or an origin that [`allow_origin`](Self::allow_origin) lists. All other requests get
    /// 403 `cross_site_request`, even if anonymous requests are allowed. A WebSocket handshake and
    /// a gRPC call need these headers with any method. A client that sends neither header is not a
    /// browser and can use the `Authorization` header.
    ///
    /// The application is responsible for three things:
    ///
    /// * A `GET` handler must not change state.
    /// * The cookie needs the attributes `Secure; HttpOnly; SameSite=Lax` and the prefix `__Host-`.
    ///   Then a sibling domain cannot set a cookie of that name, and scripts cannot read it.
    /// * Responses need `Strict-Transport-Security`: `Origin` is compared with `Host` without the
    ///   scheme, which a proxy hides.
    #[must_use]
    pub fn cookie(name: impl Into<String>) -> Self {
        Self(Source::Cookie(Cookie::new(name.into())))
    }

    /// Reads tokens with a closure that returns every token of this source.
    ///
    /// More than one token is `invalid_request`. If browsers attach the value automatically, the
    /// closure must refuse requests from other sites, as [`cookie`](Self::cookie) does.
    ///
    /// ```
    /// use tower_jit_provisioning::{TokenSource, credential::RequestHead};
    ///
    /// // The header in which a TLS-terminating proxy forwards the token.
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

    /// Accepts the cookie from pages of another origin too, such as `https://app.example.com`.
    ///
    /// Has no effect on sources other than a [`cookie`](Self::cookie).
    #[must_use]
    pub fn allow_origin(self, origin: impl Into<String>) -> Self {
        Self(match self.0 {
            Source::Cookie(cookie) => Source::Cookie(cookie.allow_origin(origin.into())),
            source @ (Source::Authorization | Source::Custom(_)) => source,
        })
    }

    /// Reads the token of this source. `None` means that the source holds no token.
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

/// Reads the token of a request from the first source that holds one.
///
/// # Errors
///
/// `missing_token` if no source holds a token, or the error of the source that refuses the request.
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
