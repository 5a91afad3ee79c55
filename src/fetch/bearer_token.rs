//! The bearer token of a request to the UserInfo endpoint.

use std::fmt;

use crate::identity::Identity;

/// A live credential. Send it to the URL of the request only, and never log it.
#[derive(Clone)]
pub struct BearerToken(Identity);

impl BearerToken {
    /// Creates the bearer token of an identity.
    pub(crate) fn of(identity: &Identity) -> Self {
        Self(identity.clone())
    }

    /// Returns the token.
    #[must_use]
    pub fn as_str(&self) -> &str {
        self.0.token()
    }
}

/// Hides the token.
impl fmt::Debug for BearerToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("BearerToken(..)")
    }
}
