//! The outcome of provisioning.

/// Outcome of provisioning a user.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The user was created.
    Created,
    /// The user existed and was not changed.
    Found,
    /// The identity was linked to an existing user.
    Linked,
    /// The user existed, and its profile or roles were updated from the token.
    Updated,
}

impl Outcome {
    /// Returns the stable label: `created`, `found`, `linked` or `updated`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Created => "created",
            Self::Found => "found",
            Self::Linked => "linked",
            Self::Updated => "updated",
        }
    }
}
