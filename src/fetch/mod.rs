//! Fetching of an issuer's documents: metadata, key sets and UserInfo.

mod bearer_token;
mod document;
mod document_fetcher;
mod document_request;
mod fetch_error;
#[cfg(feature = "jwks")]
mod http_fetcher;
pub(crate) mod metadata;

#[cfg(feature = "jwks")]
pub use self::http_fetcher::HttpFetcher;
pub use self::{
    bearer_token::BearerToken, document::Document, document_fetcher::DocumentFetcher,
    document_request::DocumentRequest, fetch_error::FetchError,
};
