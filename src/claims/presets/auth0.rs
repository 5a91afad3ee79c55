//! Auth0.

use crate::{
    claims::{address::Address, condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Auth0's access tokens: `permissions` (RBAC) as roles, `org_id` as the tenant.
    ///
    /// Auth0's access tokens contain no e-mail address and no names, so users are created without
    /// them. An Action can add custom claims; see
    /// [`auth0_with_namespace`](Self::auth0_with_namespace). The issuer ends with a slash:
    /// `https://acme.eu.auth0.com/`.
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
    /// With the namespace `https://ex.org/`, these claims of an Action are read as well:
    /// `https://ex.org/email`, `https://ex.org/email_verified`, `https://ex.org/name` and
    /// `https://ex.org/roles`. No slash is added between namespace and name.
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
