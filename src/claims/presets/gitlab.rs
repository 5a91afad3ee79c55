//! GitLab: users, and CI jobs.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer, subject::Subject},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps the ID tokens of users that sign in with GitLab: `groups_direct` as roles.
    ///
    /// The same issuer signs the [tokens of CI jobs](Self::gitlab_ci), for any audience that a job
    /// requests. This map refuses them.
    pub fn gitlab() -> Self {
        let mut map = Self::oidc().add_roles("/groups_direct");
        map.other_token = Some(Condition::has("/project_id"));
        map
    }

    /// Maps the ID tokens of GitLab CI jobs. They always belong to services and have no e-mail
    /// address.
    ///
    /// The subject is `<namespace_id>/<project_id>`. `sub` is not used, because it consists of
    /// names that GitLab can reassign, and its parts are configurable. A project that moves to
    /// another namespace becomes another subject. The namespace is the tenant. Use
    /// [required claims](crate::TrustedIssuer::require_claim) to check branch, environment and
    /// protected refs, for example `require_claim("/ref_protected", "true")`.
    ///
    /// Anyone can run a job on gitlab.com. Sign-up of services from there therefore needs
    /// [`allow_public_sign_up`](crate::IssuerPolicy::allow_public_sign_up).
    pub fn gitlab_ci() -> Self {
        let mut map = Self::oidc().without_email().with_username("/project_path");
        map.subject = Subject::joined(&["/namespace_id", "/project_id"]);
        map.tenant = Some(Pointer::new("/namespace_id"));
        map.kinds = vec![(Condition::Always, PrincipalKind::Service)];
        map.public_at = Some("https://gitlab.com");
        map
    }
}
