//! Ory Hydra.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps Ory Hydra's JWT access tokens, with custom claims under `ext`.
    ///
    /// `sub` is whatever the login application accepted: it must be an identifier that never
    /// changes. E-mail, its flag, name, user name and roles are read from `ext`, roles also from
    /// the top level, where `allowed_top_level_claims` puts them. A token whose `sub` is its
    /// `client_id` is a service's.
    pub fn hydra() -> Self {
        Self::oidc()
            .with_email("/ext/email", "/ext/email_verified")
            .with_full_name("/ext/name")
            .with_username("/ext/preferred_username")
            .add_roles("/ext/roles")
            .add_roles("/roles")
    }
}
