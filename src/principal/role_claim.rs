//! The application roles that a token grants.

/// The application roles that a token grants, after the issuer's mapping.
///
/// Absent and truncated are not empty: a token that says nothing about roles must not be read as
/// one that takes them away, or a large group list (Entra ID's overage) demotes administrators.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoleClaim {
    /// None of the issuer's role paths is in the token.
    Absent,
    /// The token lists roles; these are the mapped ones, sorted and without duplicates.
    Present(Vec<String>),
    /// The issuer left the list out because it was too long.
    Truncated,
}

impl RoleClaim {
    /// Returns the mapped roles, or nothing when the token does not state them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::Present(roles) => roles,
            Self::Absent | Self::Truncated => &[],
        }
    }
}
