//! The application roles that a token grants.

/// The application roles that a token grants, mapped by the issuer's policy.
///
/// `Absent` and `Truncated` differ from an empty list. A token without a role list must not revoke
/// roles; otherwise a large group list (the overage of Entra ID) would demote administrators.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoleClaim {
    /// The token contains none of the issuer's role claims.
    Absent,
    /// The mapped roles of the token, sorted and without duplicates.
    Present(Vec<String>),
    /// The issuer omitted the list because it was too long.
    Truncated,
}

impl RoleClaim {
    /// Returns the mapped roles, or an empty slice for `Absent` and `Truncated`.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::Present(roles) => roles,
            Self::Absent | Self::Truncated => &[],
        }
    }
}
