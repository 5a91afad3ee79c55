//! Whether an unknown subject becomes a user.

use super::rule::Rule;

/// Whether an unknown subject becomes a user.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum SignUp {
    /// No: only users who are already there.
    Closed,
    /// Yes, at the first request.
    #[default]
    Open,
    /// The row is made at the first request, and refused until an operator approves it.
    PendingApproval,
    /// Where the rule holds for the token. It is asked at creation only; see
    /// [`IssuerPolicy::add_access_rule`] for what is asked at every request.
    When(Rule),
}
