//! A user that a mapping found by an e-mail address.

use std::fmt;

use time::PrimitiveDateTime;

use super::millis::millis;
use crate::provisioner::decision::{RoleGrant, UserStatus, linking::Candidate};

/// The user whose verified address an unknown identity's token states.
#[must_use]
#[derive(Clone)]
pub struct LinkCandidate<R> {
    pub(in crate::sea_orm) row: R,
    pub(in crate::sea_orm) candidate: Candidate,
}

/// Omits the row, which holds personal data.
impl<R> fmt::Debug for LinkCandidate<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCandidate")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl<R> LinkCandidate<R> {
    /// Creates a candidate: an active person without an identity of the issuer, and the source that
    /// verified the address: `mailbox`, `import`, `issuer:…`.
    pub fn new(row: R, verified_by: impl Into<String>) -> Self {
        Self {
            row,
            candidate: Candidate {
                status: UserStatus::Active,
                verified_by: verified_by.into(),
                is_human: true,
                has_identity_of_issuer: false,
                tokens_valid_after: None,
                grants: Vec::new(),
                is_pre_linked: false,
            },
        }
    }

    /// Returns the user's row.
    #[must_use]
    pub fn row(&self) -> &R {
        &self.row
    }

    /// Returns whether an operator [linked](Self::with_pre_link) this user beforehand.
    #[must_use]
    pub fn is_pre_linked(&self) -> bool {
        self.candidate.is_pre_linked
    }

    /// Sets the status. Default: [`UserStatus::Active`]. Users with another status are not linked.
    pub fn with_status(mut self, status: UserStatus) -> Self {
        self.candidate.status = status;
        self
    }

    /// Rejects tokens issued at or before an instant, in UTC.
    pub fn with_tokens_valid_after(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.candidate.tokens_valid_after = instant.map(millis);
        self
    }

    /// Sets whether the user has an identity of the token's issuer already. Such a user is not
    /// linked: one user has one subject at an issuer. If the schema has room for one identity per
    /// user, an identity of any issuer counts.
    pub fn with_identity_of_issuer(mut self, has_one: bool) -> Self {
        self.candidate.has_identity_of_issuer = has_one;
        self
    }

    /// Sets the grants of operators. They matter only if the policy [requires a
    /// role](crate::IssuerPolicy::require_role): without them, a token that states no role is
    /// refused there.
    pub fn with_grants(mut self, grants: Vec<RoleGrant>) -> Self {
        self.candidate.grants = grants;
        self
    }

    /// Sets whether the user is a service. Services are not linked.
    pub fn with_service(mut self, is_service: bool) -> Self {
        self.candidate.is_human = !is_service;
        self
    }

    /// Sets whether an operator assigned the address at this issuer to this user beforehand. The
    /// identity is then linked whatever the policy states about linking, and
    /// [`UserMapping::link`](super::user_mapping::UserMapping::link) consumes the assignment.
    pub fn with_pre_link(mut self, is_pre_linked: bool) -> Self {
        self.candidate.is_pre_linked = is_pre_linked;
        self
    }
}
