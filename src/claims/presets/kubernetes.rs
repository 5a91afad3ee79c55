//! Kubernetes service accounts.

use crate::{
    claims::{condition::Condition, map::ClaimMap, pointer::Pointer},
    principal::PrincipalKind,
};

impl ClaimMap {
    /// Maps Kubernetes' projected service account tokens. They always belong to services and have
    /// no e-mail address.
    ///
    /// The subject is the service account's `uid`. `sub` is not used, because it contains namespace
    /// and name: a new service account with the name of a deleted one would have the same subject.
    /// The namespace is the tenant. Tokens from secrets have no `exp` and are refused.
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
