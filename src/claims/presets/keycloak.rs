//! Keycloak.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Keycloak's tokens: realm roles, and service accounts by their user name.
    ///
    /// Client roles are one [`add_roles`](Self::add_roles)`("/resource_access/<client>/roles")`
    /// away, groups one `add_roles("/groups")` and a mapper. A token without roles counts as saying
    /// nothing about them: whether it has the claim is the client's `roles` scope's choice.
    ///
    /// The payload's `typ` must be `Bearer` if it is there: refresh, offline and logout tokens are
    /// signed by the same keys. Keycloak 25 and later leave `sub` out unless the client has the
    /// `basic` scope, and lightweight tokens never have it; such a token is refused.
    pub fn keycloak() -> Self {
        let mut map = Self::oidc().add_roles("/realm_access/roles");
        map.kinds = vec![(
            Condition::StartsWith(Pointer::new("/preferred_username"), "service-account-"),
            PrincipalKind::Service,
        )];
        // `ID` is told apart for every issuer, and may be allowed by name.
        map.other_token = Some(Condition::All(vec![
            Condition::has("/typ"),
            Condition::not(Condition::is("/typ", &["Bearer", "ID"])),
        ]));
        map
    }
}
