//! Whether an unknown subject becomes a user.

use super::rule::Rule;

/// Whether an unknown subject becomes a user.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub enum SignUp {
    /// Refuses unknown subjects. Only existing users pass.
    Closed,
    /// Creates a user at the first request.
    #[default]
    Open,
    /// Creates a user at the first request, and refuses them until an operator approves.
    PendingApproval,
    /// Creates a user if the token meets the rule. The rule applies at creation only;
    /// [`IssuerPolicy::add_access_rule`](crate::IssuerPolicy::add_access_rule) adds rules for every
    /// request.
    When(Rule),
}
