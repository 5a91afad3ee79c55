//! The bearer token of a request to the UserInfo endpoint.

use std::fmt;

use crate::identity::Identity;

/// A live credential: to be sent where the request goes, and not to be logged.
#[derive(Clone)]
pub struct BearerToken(Identity);

impl BearerToken {
    /// The token that an identity was verified by.
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
