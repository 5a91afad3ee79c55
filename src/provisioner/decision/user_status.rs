//! Whether a user may act.

/// Whether a user may act, and if not, why.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum UserStatus {
    /// May act.
    Active,
    /// Switched off by an operator or a job. Provisioning never switches it back on.
    Deactivated,
    /// Deleted; the identity stays behind so that the next request does not resurrect the user.
    Deleted,
    /// Waits for approval.
    Pending,
}

impl UserStatus {
    /// Returns the stable label, the one the bundled tables store.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Active => "active",
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::Pending => "pending",
        }
    }

    /// Finds the status of a label.
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
