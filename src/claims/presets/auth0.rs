//! Auth0.

use crate::{
    claims::{address::Address, condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Auth0's access tokens: `permissions` (RBAC) as roles, `org_id` as the tenant.
    ///
    /// Auth0 keeps e-mail and names out of access tokens; a user is created without them, unless
    /// an Action adds custom claims: [`auth0_with_namespace`](Self::auth0_with_namespace). The
    /// issuer ends in a slash: `https://acme.eu.auth0.com/`.
    pub fn auth0() -> Self {
        let mut map = Self::oidc().without_email().add_roles("/permissions");
        map.kinds = vec![
            (
                Condition::is("/gty", &["client-credentials"]),
                PrincipalKind::Service,
            ),
            (
                Condition::EndsWith(Pointer::new("/sub"), "@clients"),
                PrincipalKind::Service,
            ),
        ];
        map.tenant = Some(Pointer::new("/org_id"));
        map
    }

    /// Maps Auth0's access tokens with custom claims under a namespace.
    ///
    /// With `https://ex.org/`, an Action's `https://ex.org/email`, `https://ex.org/email_verified`,
    /// `https://ex.org/name` and `https://ex.org/roles` are read as well. The namespace stands
    /// before the names as it is, so it needs its slash.
    pub fn auth0_with_namespace(namespace: &str) -> Self {
        let claim = |name: &str| Pointer::member(&format!("{namespace}{name}"));
        let mut map = Self::auth0();
        map.email = Some(Address::flagged(
            claim("email").as_str(),
            claim("email_verified").as_str(),
        ));
        map.full_name = claim("name");
        map.roles.paths.push(claim("roles"));
        map
    }
}
