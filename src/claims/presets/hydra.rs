//! Ory Hydra.

use crate::claims::map::ClaimMap;

impl ClaimMap {
    /// Maps Ory Hydra's JWT access tokens, with custom claims in `ext`.
    ///
    /// The login application chooses `sub`, which must be an identifier that never changes. The
    /// e-mail address, its flag, name, user name and roles are read from `ext`. Roles are also read
    /// from the top level, for `allowed_top_level_claims`. A token with equal `sub` and `client_id`
    /// belongs to a service.
    pub fn hydra() -> Self {
        Self::oidc()
            .with_email("/ext/email", "/ext/email_verified")
            .with_full_name("/ext/name")
            .with_username("/ext/preferred_username")
            .add_roles("/ext/roles")
            .add_roles("/roles")
    }
}
