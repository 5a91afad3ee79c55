//! What can be wrong with an endpoint.

use std::time::Duration;

use http::HeaderValue;

use super::endpoint::Endpoint;

/// A fault that an endpoint of a served [`TestIssuer`](crate::testing::TestIssuer) plays.
///
/// Where nothing else is said, the answer is a `200` with the content type of the right one, and a
/// size or a depth is streamed, not kept in memory. `If-None-Match` brings a `304` only under
/// [`Delay`](Self::Delay) and [`Drip`](Self::Drip).
#[non_exhaustive]
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The right document without its last byte.
    BadJson,
    /// The right document after a byte order mark.
    Bom,
    /// The right document inside arrays this deep: a member `deep` before its own.
    DeepJson(usize),
    /// The right answer, after a time.
    Delay(Duration),
    /// The right answer byte by byte, with this pause before each.
    Drip(Duration),
    /// The key set, and in it another key with the signing key's `kid`. Only at
    /// [`Endpoint::Jwks`].
    DuplicateKid,
    /// No byte.
    Empty,
    /// `{}`.
    EmptyObject,
    /// White space in chunks (no `Content-Length`), without an end.
    EndlessChunks,
    /// An empty key set of 1 GiB, compressed to 1 MiB (`Content-Encoding: gzip`), whatever the
    /// client accepts.
    GzipBomb,
    /// No answer for as long as this fault stands; then the right one, or the next fault.
    Hang,
    /// A page for people, as captive portals and proxies send.
    Html,
    /// The right document with another `issuer`. Only at [`Endpoint::Discovery`] and
    /// [`Endpoint::Metadata`].
    IssuerMismatch,
    /// The right document with another `jwks_uri`, such as `file:///etc/passwd`. Only at
    /// [`Endpoint::Discovery`] and [`Endpoint::Metadata`].
    JwksUri(String),
    /// The key set, after this many keys that sign nothing. Only at [`Endpoint::Jwks`].
    ManyKeys(usize),
    /// `{"keys":[]}`. Only at [`Endpoint::Jwks`].
    NoKeys,
    /// The right document after white space, so many bytes in all as `Content-Length` says.
    Oversized(u64),
    /// A `302` to somewhere else.
    Redirect(String),
    /// A `302` to itself.
    RedirectLoop,
    /// The connection closes without an answer.
    Reset,
    /// The right document under a wrong status.
    Status(u16),
    /// The first half of what `Content-Length` says, then the connection closes.
    Truncated,
    /// The right document as `text/plain`.
    WrongContentType,
}

impl Fault {
    pub(in crate::testing) fn assert_plays_at(&self, endpoint: Endpoint) {
        let is_played = match self {
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
        assert!(is_played, "{endpoint:?} does not play {self:?}");
    }
}
