//! Kubernetes service accounts.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Kubernetes' projected service account tokens: always services, and no e-mail.
    ///
    /// The subject is the service account's `uid`. `sub` is its namespace and name: whoever may
    /// create a service account of a deleted one's name would be it. The namespace is the tenant.
    /// Tokens from secrets have no `exp` and are refused.
    pub fn kubernetes() -> Self {
        let mut map = Self::oidc()
            .without_email()
            .with_subject("/kubernetes.io/serviceaccount/uid")
            .with_username("/sub");
        map.tenant = Some(Pointer::new("/kubernetes.io/namespace"));
        map.kinds = vec![(Condition::Always, PrincipalKind::Service)];
        map
    }
}
