//! Zitadel.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Zitadel's JWT access tokens: the roles of the project the client belongs to, and the
    /// user's organisation as the tenant.
    ///
    /// Roles are there only if the project asserts them or the client asks for the scope, so a
    /// token without them says nothing about roles. E-mail and names are never in an access token.
    pub fn zitadel() -> Self {
        zitadel("urn:zitadel:iam:org:project:roles")
    }

    /// Maps Zitadel's JWT access tokens with the roles of one project, by its identifier.
    ///
    /// For an API whose clients live in other projects.
    pub fn zitadel_with_project(project: &str) -> Self {
        zitadel(&format!("urn:zitadel:iam:org:project:{project}:roles"))
    }
}

fn zitadel(roles: &str) -> ClaimMap {
    let mut map = ClaimMap::oidc().without_email();
    map.roles.paths = vec![Pointer::member(roles)];
    map.tenant = Some(Pointer::new("/urn:zitadel:iam:user:resourceowner:id"));
    map
}
