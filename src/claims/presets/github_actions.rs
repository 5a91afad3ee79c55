//! GitHub Actions.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer, subject::Subject},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps the tokens of GitHub Actions. They always belong to services and have no e-mail
    /// address.
    ///
    /// The subject is `<repository_owner_id>/<repository_id>`. `sub` is not used, because it
    /// consists of names in older repositories and its format is configurable. A repository that is
    /// transferred to another owner becomes another subject. The owner is the tenant. Use
    /// [required claims](crate::TrustedIssuer::require_claim) to check environment, workflow and
    /// branch, for example `require_claim("/environment", "prod")`.
    ///
    /// Anyone can run a workflow, and the workflow chooses its audience. Sign-up of services
    /// therefore needs [`allow_public_sign_up`](crate::IssuerPolicy::allow_public_sign_up).
    pub fn github_actions() -> Self {
        let mut map = Self::oidc().without_email().with_username("/repository");
        map.subject = Subject::joined(&["/repository_owner_id", "/repository_id"]);
        map.tenant = Some(Pointer::new("/repository_owner_id"));
        map.kinds = vec![(Condition::Always, PrincipalKind::Service)];
        map.public_at = Some("https://token.actions.githubusercontent.com");
        map
    }
}
