//! authentik.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps authentik's tokens: `groups` as roles, `email_verified` as it is.
    ///
    /// `sub` is what the provider's *subject mode* says. The hashed user identifier (the default),
    /// the identifier and the UUID are stable; the modes that use the user name, the e-mail address
    /// or the UPN are not, and no token shows which is set. Since 2025.10 `email_verified` is
    /// `false` unless a property mapping says otherwise, and nobody is linked by e-mail.
    pub fn authentik() -> Self {
        Self::oidc().add_roles("/groups")
    }
}
