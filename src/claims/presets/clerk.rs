//! Clerk.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Clerk's session tokens, version 2: the role in the active organisation, which is the
    /// tenant.
    ///
    /// The tokens have no `aud`. Trust them with
    /// [`Audience::AuthorizedParty`](crate::Audience::AuthorizedParty) and the origins of the
    /// application. Without an active organisation, roles are absent. E-mail and names need custom
    /// session claims, and the address also needs
    /// [`with_email`](Self::with_email)`("/email", "/email_verified")`.
    pub fn clerk() -> Self {
        let mut map = Self::oidc().without_email().add_roles("/o/rol");
        map.tenant = Some(Pointer::new("/o/id"));
        map
    }
}
