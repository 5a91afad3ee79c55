//! GitLab: people who sign in, and jobs of its CI.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer, subject::Subject},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps the ID tokens of people who sign in with GitLab: `groups_direct` as roles.
    ///
    /// The same issuer signs [CI jobs' tokens](Self::gitlab_ci), for any audience a job asks for;
    /// here they are refused.
    pub fn gitlab() -> Self {
        let mut map = Self::oidc().add_roles("/groups_direct");
        map.other_token = Some(Condition::has("/project_id"));
        map
    }

    /// Maps the ID tokens of GitLab CI jobs: always services, and no e-mail.
    ///
    /// The subject is `<namespace_id>/<project_id>`. `sub` is made of names, which GitLab gives
    /// away again, and its parts are configurable; a project moved to another namespace is another
    /// subject. The namespace is the tenant. Branch, environment and whether the ref is protected
    /// are [required claims](crate::TrustedIssuer::require_claim)' business, such as
    /// `require_claim("/ref_protected", "true")`.
    ///
    /// On gitlab.com anybody can run a job. There, services that sign up by themselves need
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
