//! What becomes of an identity that no store knows yet: sign-up and linking.

use super::{
    admission::screen,
    linking::{self, Candidate},
    sign_up,
    user_status::UserStatus,
};
use crate::{error::ProvisionError, identity::Identity};

/// What becomes of an identity the store does not know.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Newcomer {
    /// Create a user with this status.
    Create(UserStatus),
    /// Attach the identity to the candidate.
    Link,
}

/// Decides about an identity the store does not know. `candidate` is the user who holds
/// [`linking_address`] verified, or is [pre-linked](Candidate::is_pre_linked), in the same tenant.
pub(crate) fn decide(
    identity: &Identity,
    candidate: Option<&Candidate>,
) -> Result<Newcomer, ProvisionError> {
    screen(identity)?;
    match candidate {
        Some(candidate) => linking::check(identity, candidate).map(|()| Newcomer::Link),
        None => sign_up::check(identity).map(Newcomer::Create),
    }
}
