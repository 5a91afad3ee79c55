//! Clerk.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Clerk's session tokens, version 2: the role in the active organisation, which is the
    /// tenant.
    ///
    /// They have no `aud`: trust them with
    /// [`Audience::AuthorizedParty`](crate::Audience::AuthorizedParty) and the origins of the
    /// application. Without an active organisation a token says nothing about roles. E-mail and
    /// names need a custom session claim, and
    /// [`with_email`](Self::with_email)`("/email", "/email_verified")` the address.
    pub fn clerk() -> Self {
        let mut map = Self::oidc().without_email().add_roles("/o/rol");
        map.tenant = Some(Pointer::new("/o/id"));
        map
    }
}
