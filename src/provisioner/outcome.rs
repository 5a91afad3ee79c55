//! What provisioning did.

/// What provisioning did.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum Outcome {
    /// The user is new.
    Created,
    /// The user was there.
    Found,
    /// The user was there, and this identity is new to it.
    Linked,
    /// The user was there, and something of it was brought up to date.
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
