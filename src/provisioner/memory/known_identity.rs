//! An identity in memory.

use tokio::time::Instant;

use crate::{
    identity::Identity,
    principal::{PrincipalKind, RoleClaim},
    provisioner::decision::Profile,
};

/// An identity, and the state of its synchronisation.
pub(super) struct KnownIdentity {
    /// The user, as an index into `users`.
    pub(super) user: usize,
    pub(super) kind: PrincipalKind,
    pub(super) issuer: String,
    pub(super) since: Instant,
    pub(super) roles_issued_at: Option<i64>,
    pub(super) profile_issued_at: Option<i64>,
    pub(super) fingerprint: String,
}

impl KnownIdentity {
    pub(super) fn new(user: usize, identity: &Identity) -> Self {
        let states_roles = matches!(identity.roles(), RoleClaim::Present(_));
        Self {
            user,
            kind: identity.kind(),
            issuer: identity.issuer().to_owned(),
            since: Instant::now(),
            roles_issued_at: identity.issued_at().filter(|_| states_roles),
            profile_issued_at: identity.issued_at(),
            fingerprint: Profile::fingerprint(identity),
        }
    }
}
