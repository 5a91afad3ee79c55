//! The token of a request, before it is verified.

use std::borrow::Cow;

use super::bearer;
use crate::error::Error;

/// What a request has for a token.
pub(crate) enum Credential<'a> {
    /// Of the `Authorization` header, and perhaps none.
    Bearer(&'a [u8]),
    Text(Cow<'a, str>),
}

impl Credential<'_> {
    /// For comparison with tokens that passed: what equals one is one.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bearer(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Reads the token.
    ///
    /// # Errors
    ///
    /// `invalid_request` if a header's is not one credential.
    pub(crate) fn text(&self) -> Result<&str, Error> {
        match self {
            Self::Bearer(bytes) => bearer::text(bytes),
            Self::Text(text) => Ok(text),
        }
    }
}
