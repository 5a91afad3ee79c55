//! What a mapping tells of a user who was found by an address.

use std::fmt;

use time::PrimitiveDateTime;

use super::millis;
use crate::provisioner::decision::{RoleGrant, UserStatus, linking::Candidate};

/// The user who holds an address that an unknown identity comes with.
#[must_use]
#[derive(Clone)]
pub struct LinkCandidate<R> {
    pub(in crate::sea_orm) row: R,
    pub(in crate::sea_orm) candidate: Candidate,
}

/// Hides the row: it is the application's, and personal.
impl<R> fmt::Debug for LinkCandidate<R> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("LinkCandidate")
            .field("candidate", &self.candidate)
            .finish_non_exhaustive()
    }
}

impl<R> LinkCandidate<R> {
    /// An active person without an identity of the issuer, and who verified the address: `mailbox`,
    /// `import`, `issuer:…`.
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

    /// Returns the user.
    #[must_use]
    pub fn row(&self) -> &R {
        &self.row
    }

    /// Whether an operator [named](Self::with_pre_link) this user.
    #[must_use]
    pub fn is_pre_linked(&self) -> bool {
        self.candidate.is_pre_linked
    }

    /// Sets whether the user may act. Default: [`UserStatus::Active`]. Nobody else is linked.
    pub fn with_status(mut self, status: UserStatus) -> Self {
        self.candidate.status = status;
        self
    }

    /// Declares tokens issued until an instant void, in UTC.
    pub fn with_tokens_valid_after(mut self, instant: Option<PrimitiveDateTime>) -> Self {
        self.candidate.tokens_valid_after = instant.map(millis);
        self
    }

    /// Says that the user has an identity of the identity's issuer, so it cannot be somebody else's
    /// there. With room for one identity a user, one of any issuer counts.
    pub fn with_identity_of_issuer(mut self, has_one: bool) -> Self {
        self.candidate.has_identity_of_issuer = has_one;
        self
    }

    /// Sets an operator's grants to the user. They are asked for only where the policy [requires a
    /// role](crate::IssuerPolicy::require_role); without them, a token that states no role links
    /// nobody there.
    pub fn with_grants(mut self, grants: Vec<RoleGrant>) -> Self {
        self.candidate.grants = grants;
        self
    }

    /// Says that the user is no person.
    pub fn with_service(mut self, is_service: bool) -> Self {
        self.candidate.is_human = !is_service;
        self
    }

    /// Says that an operator named this user as the owner of the address at this issuer, so the
    /// identity is linked whatever the policy says about linking.
    /// [`UserMapping::link`](super::UserMapping::link) uses the operator's word up.
    pub fn with_pre_link(mut self, is_pre_linked: bool) -> Self {
        self.candidate.is_pre_linked = is_pre_linked;
        self
    }
}
