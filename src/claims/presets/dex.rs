//! Dex.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps Dex's tokens: `groups` as roles.
    ///
    /// `sub` encodes the identifier of the connector and the user's identifier at the connector.
    /// Renaming a connector therefore changes every subject. Some connectors set `email_verified`
    /// without verifying the address: check the connector before linking by e-mail.
    pub fn dex() -> Self {
        Self::oidc().add_roles("/groups")
    }
}
