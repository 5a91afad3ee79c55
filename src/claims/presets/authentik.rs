//! authentik.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps authentik's tokens: `groups` as roles.
    ///
    /// The provider's *subject mode* determines `sub`. The hashed user identifier (the default),
    /// the identifier and the UUID are stable. The modes with the user name, the e-mail address or
    /// the UPN are not, and a token does not show its mode. Since 2025.10 `email_verified` is
    /// `false` unless a property mapping sets it, so no user is linked by e-mail.
    pub fn authentik() -> Self {
        Self::oidc().add_roles("/groups")
    }
}
