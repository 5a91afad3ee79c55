//! Zitadel.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Zitadel's JWT access tokens: the roles of the client's project, and the user's
    /// organisation as the tenant.
    ///
    /// Tokens contain roles only if the project asserts them or the client requests the scope;
    /// otherwise roles are absent. Access tokens never contain e-mail or names.
    pub fn zitadel() -> Self {
        zitadel("urn:zitadel:iam:org:project:roles")
    }

    /// Maps Zitadel's JWT access tokens with the roles of the project with this identifier.
    ///
    /// Use it if the API's clients belong to other projects.
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
