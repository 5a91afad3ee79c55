//! The payload of each provider of workloads, and the identity mapped from it.

use tower_jit_provisioning::PrincipalKind;

use super::fixture::{Mapped, Provider, assert_maps, human, some};

#[test]
fn gitlab_ci() {
    assert_maps(
        &Provider::new("gitlab_ci"),
        Mapped {
            kind: PrincipalKind::Service,
            username: some("acme/shop"),
            tenant: "72".to_owned(),
            ..human("https://gitlab.com", "72/20")
        },
    );
}

#[test]
fn github_actions() {
    assert_maps(
        &Provider::new("github_actions"),
        Mapped {
            kind: PrincipalKind::Service,
            username: some("acme/shop"),
            tenant: "65".to_owned(),
            ..human("https://token.actions.githubusercontent.com", "65/74")
        },
    );
}

#[test]
fn kubernetes() {
    assert_maps(
        &Provider::new("kubernetes"),
        Mapped {
            kind: PrincipalKind::Service,
            username: some("system:serviceaccount:shop:worker"),
            tenant: "shop".to_owned(),
            ..human(
                "https://kubernetes.default.svc.cluster.local",
                "e6a8680e-d103-4cce-80ea-03acbbeacf7d",
            )
        },
    );
}
