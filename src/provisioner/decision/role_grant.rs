//! A role that the store holds for a user.

use crate::principal::issuer_key;

/// A stored role of a user, and its source.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct RoleGrant {
    /// The application's role.
    pub role: String,
    /// [`RoleGrant::MANUAL`] for a grant by an operator, or [`RoleGrant::source_of`] an issuer for
    /// a grant from its tokens. Grants with any other source are ignored.
    pub source: String,
}

impl RoleGrant {
    /// The source of grants by an operator.
    pub const MANUAL: &str = "manual";

    /// Creates a grant.
    #[must_use]
    pub fn new(role: impl Into<String>, source: impl Into<String>) -> Self {
        let (role, source) = (role.into(), source.into());
        Self { role, source }
    }

    /// Returns the source of grants from the tokens of an issuer: `issuer:` and 64 lower-case
    /// hexadecimal digits, so that its length does not depend on the issuer.
    #[must_use]
    pub fn source_of(issuer: &str) -> String {
        format!("issuer:{}", issuer_key(issuer))
    }

    pub(super) fn is_manual(&self) -> bool {
        self.source == Self::MANUAL
    }
}
