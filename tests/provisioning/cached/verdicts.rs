//! Verdicts shared between tokens, and their lifetime.

use std::{convert::Infallible, time::Duration};

use async_trait::async_trait;
use http::{Request, Response, header::AUTHORIZATION};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{
    CachedProvisioner, ClaimMap, DenialReason, Error, Identity, IssuerPolicy, JwtVerifier,
    MemoryProvisioner, ProvisionError, ProvisionLayer, Provisioned, Provisioner, RoleClaim, SignUp,
    UserStatus,
    policy::Rule,
    provisioner::{Entry, Standing},
    testing::{TestIdentity, TestIssuer},
};

use super::store::{SECOND, Store, ana};

#[tokio::test(start_paused = true)]
async fn tokens_that_differ_in_claims_of_the_policy_share_no_verdict() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let base = || TestIdentity::new("https://id.example.com", "ana");
    let different = [
        base(),
        base().with_roles(["admin"]),
        base().with_roles(["guest"]),
        base().with_roles(["adm", "in"]),
        base().with_truncated_roles(),
        base().with_roles(Vec::<String>::new()),
        base().with_email("ana@example.com"),
        base().with_vouched_email("ana@example.com"),
        base().with_full_name("Ana"),
        base().with_username("Ana"),
        base().with_kind(tower_jit_provisioning::PrincipalKind::Service),
        base().with_policy(IssuerPolicy::new().map_role("a", "b")),
        base().with_tenant("acme"),
    ];
    for (number, identity) in different.iter().enumerate() {
        let identity = identity.clone().build();
        assert!(users.cached(&identity).is_none(), "{number}");
        users.provision(&identity).await.unwrap();
        assert_eq!(store.calls(), number + 1);
    }
    let refreshed = base().with_issued_at(1_000).build();
    assert!(
        users.cached(&refreshed).is_some(),
        "a refreshed token shares the cache entry"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_that_differ_in_scope_or_client_or_rule_claims_share_no_verdict() {
    let issuer = TestIssuer::new("https://id.example.com");
    // Nothing else reads these claims.
    let policy = IssuerPolicy::new()
        .add_access_rule(Rule::claim("/department", "sales"))
        .with_sign_up(SignUp::When(Rule::claim("/invited", true)));
    let trusted = issuer.trusted("orders").with_policy(policy);
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let base = || issuer.token("ana").audience("orders");
    let different = [
        base(),
        base().claim("scope", "read"),
        base().claim("scope", "send"),
        base().claim("client_id", "web"),
        base().claim("client_id", "app"),
        base().claim("department", "sales"),
        base().claim("invited", true),
    ];
    for (number, token) in different.iter().enumerate() {
        let identity = verifier.verify(&token.sign()).await.unwrap();
        assert!(users.cached(&identity).is_none(), "{number}");
        users.provision(&identity).await.unwrap();
        assert_eq!(store.calls(), number + 1);
    }
}

#[tokio::test(start_paused = true)]
async fn a_scope_is_distinct_from_a_role_of_the_same_name() {
    let issuer = TestIssuer::new("https://id.example.com");
    let trusted = issuer
        .trusted("orders")
        .with_claims(ClaimMap::default().add_roles("/roles"))
        .with_policy(IssuerPolicy::new().map_role("admin", "admin"));
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let users = CachedProvisioner::new(Store::default());
    let base = || issuer.token("ana").audience("orders");
    let by_role = base().claim("roles", "admin").sign();
    let by_scope = base().claim("roles", "").claim("scope", "admin").sign();
    let [by_role, by_scope] = [
        verifier.verify(&by_role).await.unwrap(),
        verifier.verify(&by_scope).await.unwrap(),
    ];
    assert_eq!(by_role.roles().as_slice(), ["admin"]);
    assert_eq!(*by_scope.roles(), RoleClaim::Present(Vec::new()));
    users.provision(&by_role).await.unwrap();
    assert!(users.cached(&by_role).is_some());
    assert!(users.cached(&by_scope).is_none());
}

#[tokio::test]
async fn access_rules_apply_to_every_token_of_a_cached_user() {
    struct Generous;

    /// Made for another token, which no rule concerns.
    fn entry() -> Result<Entry, ProvisionError> {
        ana().enter(Standing::new(UserStatus::Active, ana().kind()), &[])
    }

    #[async_trait]
    impl Provisioner for Generous {
        type User = ();

        async fn provision(&self, _: &Identity) -> Result<Provisioned<()>, ProvisionError> {
            Ok(Provisioned::found((), entry()?))
        }

        fn cached(&self, _: &Identity) -> Option<Provisioned<()>> {
            Some(Provisioned::found((), entry().ok()?))
        }
    }

    let issuer = TestIssuer::new("https://id.example.com");
    let policy = IssuerPolicy::new().add_access_rule(Rule::scope("orders:read"));
    let trusted = issuer.trusted("orders").with_policy(policy);
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let layer = ProvisionLayer::new(verifier.clone(), Generous);
    let base = issuer.token("ana").audience("orders");
    for (token, status, reason) in [
        (base.clone().claim("scope", "orders:read"), 200, None),
        (base, 403, Some("rule_failed")),
    ] {
        let token = token.sign();
        verifier.verify(&token).await.unwrap();
        assert!(verifier.cached(&token).is_some());
        let service = layer.layer(service_fn(|_: Request<()>| async {
            Ok::<_, Infallible>(Response::new(()))
        }));
        let request = Request::get("/").header(AUTHORIZATION, format!("Bearer {token}"));
        let response = service.oneshot(request.body(()).unwrap()).await.unwrap();
        assert_eq!(response.status(), status);
        let error = response.extensions().get::<Error>();
        assert_eq!(error.map(Error::reason), reason);
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_are_cached_for_two_seconds_and_failures_are_not_cached() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    store.answer(Some(DenialReason::Deactivated.into()));
    for _ in 0..10 {
        let error = users.provision(&ana()).await.unwrap_err();
        assert_eq!(error.reason(), "deactivated");
        assert!(users.cached(&ana()).is_none());
    }
    assert_eq!(store.calls(), 1);
    sleep(2 * SECOND).await;
    store.answer(Some(ProvisionError::unavailable("down")));
    for calls in 2..5 {
        assert_eq!(users.provision(&ana()).await.unwrap_err().reason(), "store");
        assert_eq!(store.calls(), calls);
    }
    store.answer(None);
    assert!(users.provision(&ana()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_lifted_during_its_read_is_not_cached() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    store.answer(Some(DenialReason::Deactivated.into()));
    let lift = async {
        sleep(SECOND / 2).await;
        users.invalidate(ana().key());
    };
    let identity = ana();
    let (refused, ()) = tokio::join!(users.provision(&identity), lift);
    assert!(refused.is_err());
    store.answer(None);
    assert!(users.provision(&ana()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_refusal_is_cached_no_longer_than_a_user() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(SECOND * 3 / 2);
    store.answer(Some(DenialReason::RuleFailed.into()));
    assert!(users.provision(&ana()).await.is_err());
    // The read took one second of it.
    sleep(SECOND / 2 - Duration::from_millis(1)).await;
    assert!(users.provision(&ana()).await.is_err());
    assert_eq!(store.calls(), 1);
    sleep(Duration::from_millis(1)).await;
    store.answer(None);
    assert!(users.provision(&ana()).await.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_revoked_token_is_refused_on_a_hit_from_a_newer_token() {
    let memory = MemoryProvisioner::new();
    let users = CachedProvisioner::new(memory.clone());
    let issued = |at| {
        TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(at)
            .build()
    };
    users.provision(&issued(1_000)).await.unwrap();
    memory.revoke_tokens(issued(0).key(), 1_500);
    users.invalidate(issued(0).key());
    assert!(users.provision(&issued(2_000)).await.is_ok());
    assert!(users.cached(&issued(2_000)).is_some());
    assert!(users.cached(&issued(1_000)).is_none());
    assert_eq!(
        users.provision(&issued(1_000)).await.unwrap_err().reason(),
        "revoked"
    );
    let undated = TestIdentity::new("https://id.example.com", "ana").build();
    assert_eq!(
        users.provision(&undated).await.unwrap_err().reason(),
        "revoked"
    );
}

#[tokio::test(start_paused = true)]
async fn a_new_token_does_not_share_the_verdict_of_a_revoked_one() {
    struct Revoking;

    #[async_trait]
    impl Provisioner for Revoking {
        type User = ();

        async fn provision(&self, identity: &Identity) -> Result<Provisioned<()>, ProvisionError> {
            sleep(SECOND).await;
            let standing = Standing::new(UserStatus::Active, identity.kind());
            let entry = identity.enter(standing.with_tokens_valid_after(Some(1_999)), &[])?;
            Ok(Provisioned::found((), entry))
        }
    }

    let users = CachedProvisioner::new(Revoking);
    let issued = |at| {
        TestIdentity::new("https://id.example.com", "ana")
            .with_issued_at(at)
            .build()
    };
    let stolen = tokio::spawn({
        let (users, old) = (users.clone(), issued(1_000));
        async move { users.provision(&old).await.map(|_| ()) }
    });
    tokio::task::yield_now().await;
    assert!(users.provision(&issued(2_000)).await.is_ok());
    assert_eq!(stolen.await.unwrap().unwrap_err().reason(), "revoked");
}
