//! Decision about an unknown identity: link, sign up or refuse.

use super::{
    admission::screen,
    linking::{self, Candidate},
    sign_up,
    user_status::UserStatus,
};
use crate::{error::ProvisionError, identity::Identity};

/// How to provision an unknown identity.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Newcomer {
    /// Create a user with this status.
    Create(UserStatus),
    /// Link the identity to the candidate.
    Link,
}

/// Decides how to provision an unknown identity.
///
/// `candidate` is a user of the same tenant: the user with
/// [`linking_address`](linking::linking_address) as a verified address, or a
/// [pre-linked](Candidate::is_pre_linked) user. `None` means that there is neither.
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
