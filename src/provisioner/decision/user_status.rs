//! The status of a user.

/// Status of a user. Only an active user is admitted.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum UserStatus {
    /// The user is admitted.
    Active,
    /// Deactivated by an operator or a job. Provisioning never reactivates the user.
    Deactivated,
    /// Deleted. The identity stays in the store, so that the next request does not create the user
    /// again.
    Deleted,
    /// Waiting for approval.
    Pending,
}

impl UserStatus {
    /// Returns the stable label, which the bundled tables store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Pending => "pending",
        }
    }

    /// Returns the status with this label, or `None` if there is none.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [
            Self::Active,
            Self::Deactivated,
            Self::Deleted,
            Self::Pending,
        ]
        .into_iter()
        .find(|status| status.as_str() == label)
    }
}
