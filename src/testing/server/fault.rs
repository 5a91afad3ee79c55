//! Faults of an endpoint.

use std::time::Duration;

use http::HeaderValue;

use super::endpoint::Endpoint;

/// Fault of an endpoint of a served [`TestIssuer`](crate::testing::TestIssuer).
///
/// Unless documented otherwise, the response has status 200 and the content type of the correct
/// response. Large bodies are streamed and never in memory as a whole. `If-None-Match` leads to a
/// `304` only with [`Delay`](Self::Delay) and [`Drip`](Self::Drip).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The correct document without its last byte.
    BadJson,
    /// The correct document after a byte order mark.
    Bom,
    /// The correct document with an additional first member `deep`, which contains arrays nested to
    /// this depth.
    DeepJson(usize),
    /// The correct response, after this time.
    Delay(Duration),
    /// The correct response, one byte at a time, with this pause before each.
    Drip(Duration),
    /// The key set with another key that has the `kid` of the signing key. Only for
    /// [`Endpoint::Jwks`].
    DuplicateKid,
    /// An empty body.
    Empty,
    /// `{}`.
    EmptyObject,
    /// Endless white space in chunks, without a `Content-Length`.
    EndlessChunks,
    /// An empty key set of 1 GiB, compressed to 1 MiB (`Content-Encoding: gzip`), regardless of
    /// `Accept-Encoding`.
    GzipBomb,
    /// No response while this fault is set. Then the correct response, or the next fault.
    Hang,
    /// An HTML page, as captive portals and proxies send.
    Html,
    /// The correct document with another `issuer`. Only for [`Endpoint::Discovery`] and
    /// [`Endpoint::Metadata`].
    IssuerMismatch,
    /// The correct document with another `jwks_uri`, such as `file:///etc/passwd`. Only for
    /// [`Endpoint::Discovery`] and [`Endpoint::Metadata`].
    JwksUri(String),
    /// The key set after this many additional keys that sign nothing. Only for [`Endpoint::Jwks`].
    ManyKeys(usize),
    /// `{"keys":[]}`. Only for [`Endpoint::Jwks`].
    NoKeys,
    /// The correct document after white space, with this many bytes in total. `Content-Length` is
    /// correct.
    Oversized(u64),
    /// A `302` to this location.
    Redirect(String),
    /// A `302` to the same URL.
    RedirectLoop,
    /// The connection closes without a response.
    Reset,
    /// The correct document with this status.
    Status(u16),
    /// The first half of `Content-Length` bytes, then the connection closes.
    Truncated,
    /// The correct document as `text/plain`.
    WrongContentType,
}

impl Fault {
    pub(in crate::testing) fn assert_applies_to(&self, endpoint: Endpoint) {
        let applies = match self {
            Self::DuplicateKid | Self::ManyKeys(_) | Self::NoKeys => endpoint == Endpoint::Jwks,
            Self::IssuerMismatch | Self::JwksUri(_) => {
                matches!(endpoint, Endpoint::Discovery | Endpoint::Metadata)
            }
            Self::Redirect(location) => HeaderValue::try_from(location).is_ok(),
            Self::Status(status) => (200..600).contains(status),
            Self::BadJson
            | Self::Bom
            | Self::DeepJson(_)
            | Self::Delay(_)
            | Self::Drip(_)
            | Self::Empty
            | Self::EmptyObject
            | Self::EndlessChunks
            | Self::GzipBomb
            | Self::Hang
            | Self::Html
            | Self::Oversized(_)
            | Self::RedirectLoop
            | Self::Reset
            | Self::Truncated
            | Self::WrongContentType => true,
        };
        assert!(applies, "{endpoint:?} cannot have the fault {self:?}");
    }
}
