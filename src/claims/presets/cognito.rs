//! Amazon Cognito user pools.

use crate::claims::{condition::Condition, map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Cognito's access tokens: `username`, `cognito:groups`.
    ///
    /// The tokens have no `aud`. Trust them with [`Audience::ClientId`](crate::Audience::ClientId).
    /// `token_use` must be `access`. Cognito omits `cognito:groups` for users without groups, so an
    /// absent claim counts as empty. A token with equal `sub` and `client_id` belongs to a service.
    ///
    /// Only ID tokens contain an e-mail address. An application that
    /// [allows them](crate::TrustedIssuer::allow_id_tokens) adds
    /// `with_email("/email", "/email_verified")` and `with_username("/cognito:username")`.
    pub fn cognito() -> Self {
        let mut map = Self::oidc()
            .without_email()
            .add_roles("/cognito:groups")
            .with_absent_roles_as_empty();
        map.username = vec![Pointer::new("/username")];
        // ID tokens (`id`) are recognised for every issuer, and an issuer may allow them.
        map.other_token = Some(Condition::not(Condition::is(
            "/token_use",
            &["access", "id"],
        )));
        map
    }
}
