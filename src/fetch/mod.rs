//! How documents of an issuer are fetched: metadata, key sets and UserInfo alike.

mod document;
#[cfg(feature = "jwks")]
mod http_fetcher;
pub(crate) mod metadata;

pub use self::document::{BearerToken, Document, DocumentFetcher, DocumentRequest, FetchError};
#[cfg(feature = "jwks")]
pub use self::http_fetcher::HttpFetcher;
