//! Dex.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps Dex's tokens: `groups` as roles.
    ///
    /// `sub` encodes the user's identifier at the connector and the connector's own: who renames a
    /// connector makes everybody a stranger. Some connectors set `email_verified` without asking
    /// anybody; look at the connector before linking by e-mail.
    pub fn dex() -> Self {
        Self::oidc().add_roles("/groups")
    }
}
