//! Why policy refuses a subject.

/// Why policy refuses a subject.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum DenialReason {
    /// The user was switched off.
    Deactivated,
    /// The user was deleted.
    Deleted,
    /// The identity was a person's and the token is a service's, or the reverse.
    KindMismatch,
    /// The token maps to no role, and the policy asks for one.
    NoRole,
    /// The user waits for approval.
    PendingApproval,
    /// A rule of the policy refuses the token.
    RuleFailed,
    /// The subject is unknown and may not sign up.
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
