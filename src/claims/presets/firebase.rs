//! Firebase Authentication and Google Identity Platform.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Firebase's ID tokens: custom claims `role` and `roles`, and Identity Platform's tenant.
    ///
    /// Custom claims are at the top level, and only a server can set them. Use
    /// [`add_roles`](Self::add_roles) for other names. A user remains anonymous until they sign in
    /// with another provider.
    pub fn firebase() -> Self {
        let mut map = Self::oidc().add_roles("/role").add_roles("/roles");
        map.tenant = Some(Pointer::new("/firebase/tenant"));
        map.kinds = vec![(
            Condition::is("/firebase/sign_in_provider", &["anonymous"]),
            PrincipalKind::Anonymous,
        )];
        map
    }
}
