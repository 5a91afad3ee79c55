//! Supabase Auth.

use crate::{
    claims::{address::Address, condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Supabase's access tokens: `app_metadata.roles`, and a display name.
    ///
    /// `email` is not vouched for: only `user_metadata` states whether it was confirmed, and users
    /// can edit `user_metadata`. Therefore only the display name is read from there. The top-level
    /// `role` is the role in the database, not in the application. `anon` or `is_anonymous` marks
    /// an anonymous user, and `service_role` a service.
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
