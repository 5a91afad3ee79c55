//! The reasons for which policy refuses a subject.

/// The reason for which policy refuses a subject.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DenialReason {
    /// The user was deactivated.
    Deactivated,
    /// The user was deleted.
    Deleted,
    /// The identity was stored as a person's and the token is a service's, or the reverse.
    KindMismatch,
    /// The policy or a layer requires a role that the user or the token does not have.
    NoRole,
    /// The user has not been approved yet.
    PendingApproval,
    /// The token does not meet a rule of the policy.
    RuleFailed,
    /// The subject is unknown, and policy does not let it sign up.
    SignUpClosed,
}

impl DenialReason {
    /// Returns the stable label; it is the `code` of the response.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Deactivated => "deactivated",
            Self::Deleted => "deleted",
            Self::KindMismatch => "kind_mismatch",
            Self::NoRole => "no_role",
            Self::PendingApproval => "pending_approval",
            Self::RuleFailed => "rule_failed",
            Self::SignUpClosed => "sign_up_closed",
        }
    }
}
