//! A stored role, and who gave it.

use crate::principal::issuer_key;

/// A stored role, and who gave it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
#[non_exhaustive]
pub struct RoleGrant {
    /// The application's role.
    pub role: String,
    /// [`RoleGrant::MANUAL`] for an operator's grant, [`RoleGrant::source_of`] an issuer for one that its
    /// tokens state. Grants of any other source never count.
    pub source: String,
}

impl RoleGrant {
    /// The source of grants that an operator made.
    pub const MANUAL: &str = "manual";

    /// Makes a grant.
    #[must_use]
    pub fn new(role: impl Into<String>, source: impl Into<String>) -> Self {
        let (role, source) = (role.into(), source.into());
        Self { role, source }
    }

    /// Returns the source of grants that the tokens of an issuer state: `issuer:` and 64 lower-case
    /// hexadecimal digits, short enough for any issuer.
    #[must_use]
    pub fn source_of(issuer: &str) -> String {
        format!("issuer:{}", issuer_key(issuer))
    }

    pub(super) fn is_manual(&self) -> bool {
        self.source == Self::MANUAL
    }
}
