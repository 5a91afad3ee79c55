//! Supabase Auth.

use crate::{
    claims::{address::Address, condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Supabase's access tokens: `app_metadata.roles`, and a display name.
    ///
    /// Nothing vouches for `email`: whether it was confirmed is not in the token, but for
    /// `user_metadata`, which its owner edits. For that reason only the display name is read from
    /// there. The top-level `role` is the database's role, not the application's: `anon` makes an
    /// anonymous user, as `is_anonymous` does, and `service_role` a service.
    pub fn supabase() -> Self {
        let mut map = Self::oidc()
            .with_full_name("/user_metadata/full_name")
            .add_roles("/app_metadata/roles");
        map.email = Some(Address::unvouched("/email"));
        map.kinds = vec![
            (
                Condition::True(Pointer::new("/is_anonymous")),
                PrincipalKind::Anonymous,
            ),
            (Condition::is("/role", &["anon"]), PrincipalKind::Anonymous),
            (
                Condition::is("/role", &["service_role"]),
                PrincipalKind::Service,
            ),
        ];
        map
    }
}
