//! The numbers that sign-up limits are compared with.

/// How many identities of the issuer there are, counted as far as the policy limits them.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignUpCounts {
    /// In all.
    pub all: u64,
    /// New within the last minute.
    pub last_minute: u64,
}

impl SignUpCounts {
    /// Counts the identities of an issuer: all of them, and those of the last minute.
    #[must_use]
    pub fn new(all: u64, last_minute: u64) -> Self {
        Self { all, last_minute }
    }
}
