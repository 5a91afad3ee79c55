//! The token of a request, before it is verified.

use std::borrow::Cow;

use super::bearer;
use crate::error::Error;

/// A credential that is not verified yet.
pub(crate) enum Credential<'a> {
    /// The bytes of the `Authorization` header after the scheme, which may not be a token.
    Bearer(&'a [u8]),
    Text(Cow<'a, str>),
}

impl Credential<'_> {
    /// Returns the bytes, for comparison with tokens that were verified before.
    #[inline]
    pub(crate) fn as_bytes(&self) -> &[u8] {
        match self {
            Self::Bearer(bytes) => bytes,
            Self::Text(text) => text.as_bytes(),
        }
    }

    /// Returns the token.
    ///
    /// # Errors
    ///
    /// `invalid_request` if the header does not contain exactly one credential.
    pub(crate) fn text(&self) -> Result<&str, Error> {
        match self {
            Self::Bearer(bytes) => bearer::text(bytes),
            Self::Text(text) => Ok(text),
        }
    }
}
