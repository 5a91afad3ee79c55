//! Counts for the sign-up limits.

/// Counts of an issuer's identities, for the sign-up limits of its policy.
///
/// Counting may stop at a limit, so a count that reaches it may be too low.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct SignUpCounts {
    /// All identities of the issuer.
    pub all: u64,
    /// The identities that were created within the last minute.
    pub last_minute: u64,
}

impl SignUpCounts {
    /// Creates counts from the number of all identities and of those created within the last
    /// minute.
    #[must_use]
    pub fn new(all: u64, last_minute: u64) -> Self {
        Self { all, last_minute }
    }
}
