//! The head of a request.

use http::{HeaderMap, HeaderValue, Method, Request, Uri, header::AsHeaderName};

/// The head of a request, as a [`TokenSource`](crate::TokenSource) sees it.
///
/// ```
/// use tower_jit_provisioning::credential::RequestHead;
///
/// let request = http::Request::get("/events?ticket=7").body(()).unwrap();
/// assert_eq!(RequestHead::from(&request).uri().query(), Some("ticket=7"));
/// ```
#[derive(Clone, Copy)]
pub struct RequestHead<'a> {
    method: &'a Method,
    uri: &'a Uri,
    headers: &'a HeaderMap,
}

impl<'a> RequestHead<'a> {
    /// Returns the method.
    #[must_use]
    pub fn method(&self) -> &'a Method {
        self.method
    }

    /// Returns the URI, as outer routers have left it.
    #[must_use]
    pub fn uri(&self) -> &'a Uri {
        self.uri
    }

    /// Returns the headers.
    #[must_use]
    pub fn headers(&self) -> &'a HeaderMap {
        self.headers
    }

    /// Returns the value of a header that may be present only once.
    pub(super) fn single(&self, name: impl AsHeaderName) -> Single<'a> {
        let mut values = self.headers.get_all(name).iter();
        match (values.next().map(HeaderValue::to_str), values.next()) {
            (None, _) => Single::Absent,
            (Some(Ok(value)), None) => Single::Text(value),
            (Some(_), _) => Single::Unclear,
        }
    }
}

impl<'a, B> From<&'a Request<B>> for RequestHead<'a> {
    fn from(request: &'a Request<B>) -> Self {
        Self {
            method: request.method(),
            uri: request.uri(),
            headers: request.headers(),
        }
    }
}

/// The value of a header that may be present only once.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Single<'a> {
    Absent,
    Text(&'a str),
    /// The header is present twice, or is not text.
    Unclear,
}

/// Shows the method only, because headers and URI may contain credentials.
impl std::fmt::Debug for RequestHead<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("RequestHead")
            .field("method", self.method)
            .finish_non_exhaustive()
    }
}
