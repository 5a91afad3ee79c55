//! Keycloak.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Keycloak's tokens: realm roles as roles, and service accounts by their user name.
    ///
    /// For client roles, add [`add_roles`](Self::add_roles)`("/resource_access/<client>/roles")`.
    /// For groups, add `add_roles("/groups")` and a mapper in Keycloak. Without a role claim, roles
    /// are absent, because the claim depends on the client's `roles` scope.
    ///
    /// The payload's `typ` must be `Bearer` if it is present, because refresh, offline and logout
    /// tokens are signed with the same keys. Keycloak 25 and later omit `sub` unless the client has
    /// the `basic` scope, and lightweight tokens never contain it. Such tokens are refused.
    pub fn keycloak() -> Self {
        let mut map = Self::oidc().add_roles("/realm_access/roles");
        map.kinds = vec![(
            Condition::StartsWith(Pointer::new("/preferred_username"), "service-account-"),
            PrincipalKind::Service,
        )];
        // ID tokens (`ID`) are recognised for every issuer, and an issuer may allow them.
        map.other_token = Some(Condition::All(vec![
            Condition::has("/typ"),
            Condition::not(Condition::is("/typ", &["Bearer", "ID"])),
        ]));
        map
    }
}
