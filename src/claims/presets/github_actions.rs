//! GitHub Actions.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer, subject::Subject},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps the tokens of GitHub Actions: always services, and no e-mail.
    ///
    /// The subject is `<repository_owner_id>/<repository_id>`. `sub` is made of names in older
    /// repositories and its format is configurable; a repository given to another owner is another
    /// subject. The owner is the tenant. Environment, workflow and branch are
    /// [required claims](crate::TrustedIssuer::require_claim)' business, such as
    /// `require_claim("/environment", "prod")`.
    ///
    /// Anybody can run a workflow, and it chooses its audience: services that sign up by themselves
    /// need [`allow_public_sign_up`](crate::IssuerPolicy::allow_public_sign_up).
    pub fn github_actions() -> Self {
        let mut map = Self::oidc().without_email().with_username("/repository");
        map.subject = Subject::joined(&["/repository_owner_id", "/repository_id"]);
        map.tenant = Some(Pointer::new("/repository_owner_id"));
        map.kinds = vec![(Condition::Always, PrincipalKind::Service)];
        map.public_at = Some("https://token.actions.githubusercontent.com");
        map
    }
}
