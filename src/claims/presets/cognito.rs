//! Amazon Cognito user pools.

use crate::claims::{condition::Condition, map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Cognito's access tokens: `username`, `cognito:groups`.
    ///
    /// They have no `aud`: trust them with
    /// [`Audience::ClientId`](crate::Audience::ClientId). `token_use` must be `access`. Cognito
    /// leaves `cognito:groups` out for somebody in no group, so absent is empty. A token whose
    /// `sub` is its `client_id` is a service's.
    ///
    /// E-mail is in ID tokens only. An application that
    /// [allows those](crate::TrustedIssuer::allow_id_tokens) adds
    /// `with_email("/email", "/email_verified")` and `with_username("/cognito:username")`.
    pub fn cognito() -> Self {
        let mut map = Self::oidc()
            .without_email()
            .add_roles("/cognito:groups")
            .with_absent_roles_as_empty();
        map.username = vec![Pointer::new("/username")];
        // `id` is told apart for every issuer, and may be allowed by name.
        map.other_token = Some(Condition::not(Condition::is(
            "/token_use",
            &["access", "id"],
        )));
        map
    }
}
