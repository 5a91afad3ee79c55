//! The cache in front of a provisioner: one load for a crowd, nothing stale past an invalidation.

use std::{
    convert::Infallible,
    sync::{
        Arc, Mutex,
        atomic::{AtomicUsize, Ordering::SeqCst},
    },
    time::Duration,
};

use async_trait::async_trait;
use http::{Request, Response, header::AUTHORIZATION};
use tokio::time::sleep;
use tower::{Layer, ServiceExt, service_fn};
use tower_jit_provisioning::{
    CachedProvisioner, ClaimMap, DenialReason, Error, Identity, IssuerPolicy, JwtVerifier,
    MemoryProvisioner, Outcome, ProvisionError, ProvisionLayer, Provisioned, Provisioner,
    RoleClaim, SignUp, UserStatus,
    policy::Rule,
    testing::{TestIdentity, TestIssuer},
};

const SECOND: Duration = Duration::from_secs(1);

/// A store that takes a second, counts its calls, and answers what it is told.
#[derive(Clone, Default)]
struct Store(Arc<State>);

#[derive(Default)]
struct State {
    calls: AtomicUsize,
    answer: Mutex<Option<ProvisionError>>,
    panics: Mutex<bool>,
}

impl Store {
    fn calls(&self) -> usize {
        self.0.calls.load(SeqCst)
    }

    fn answer(&self, error: Option<ProvisionError>) {
        *self.0.answer.lock().unwrap() = error;
    }
}

#[async_trait]
impl Provisioner for Store {
    type User = usize;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<usize>, ProvisionError> {
        let call = self.0.calls.fetch_add(1, SeqCst);
        sleep(SECOND).await;
        assert!(
            !*self.0.panics.lock().unwrap(),
            "the store panics as it was told"
        );
        match self.0.answer.lock().unwrap().clone() {
            None => Ok(Provisioned::created(call)),
            Some(error) => Err(error),
        }
    }
}

fn ana() -> Identity {
    TestIdentity::new("https://id.example.com", "ana").build()
}

#[tokio::test(start_paused = true)]
async fn a_remembered_user_costs_no_call_until_the_ttl_is_over() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    assert!(users.cached(&ana()).is_none());
    assert_eq!(
        users.provision(&ana()).await.unwrap().outcome(),
        Outcome::Created
    );
    for _ in 0..100 {
        assert_eq!(users.cached(&ana()).unwrap().outcome(), Outcome::Found);
        assert_eq!(
            users.provision(&ana()).await.unwrap().outcome(),
            Outcome::Found
        );
    }
    assert_eq!(store.calls(), 1);
    // The read took one of the thirty seconds.
    sleep(28 * SECOND).await;
    assert!(users.cached(&ana()).is_some());
    sleep(SECOND).await;
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_slow_read_adds_nothing_to_the_ttl() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(SECOND * 3 / 2);
    users.provision(&ana()).await.unwrap();
    assert!(users.cached(&ana()).is_some());
    sleep(SECOND / 2).await;
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn nobody_joins_a_load_that_is_older_than_the_ttl() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(SECOND / 2);
    let ask = async |after| {
        sleep(after).await;
        *users.provision(&ana()).await.unwrap().into_parts().0
    };
    // The one who comes last still finds the second load, though the first is over.
    let (first, joined, second, last) = tokio::join!(
        ask(Duration::ZERO),
        ask(SECOND * 49 / 100),
        ask(SECOND * 6 / 10),
        ask(SECOND * 105 / 100),
    );
    assert_eq!((first, joined, second, last), (0, 0, 1, 1));
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn without_a_ttl_every_request_reads_for_itself() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone()).with_ttl(Duration::ZERO);
    let identity = ana();
    let (one, other) = tokio::join!(users.provision(&identity), users.provision(&identity));
    assert!(one.is_ok() && other.is_ok());
    assert!(users.cached(&identity).is_none());
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn a_crowd_of_first_requests_is_one_load_and_one_is_told_of_the_creation() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let crowd: Vec<_> = (0..100)
        .map(|_| {
            let users = users.clone();
            tokio::spawn(async move { users.provision(&ana()).await.unwrap().outcome() })
        })
        .collect();
    let mut created = 0;
    for request in crowd {
        created += usize::from(request.await.unwrap() == Outcome::Created);
    }
    assert_eq!((store.calls(), created), (1, 1));
}

#[tokio::test(start_paused = true)]
async fn a_client_that_hangs_up_takes_nobody_with_it() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    let first = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    let second = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    first.abort();
    assert!(second.await.unwrap());
    assert_eq!(store.calls(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_load_that_panics_is_unavailable_and_the_next_one_starts() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    *store.0.panics.lock().unwrap() = true;
    let error = users.provision(&ana()).await.unwrap_err();
    assert_eq!(error.reason(), "store");
    *store.0.panics.lock().unwrap() = false;
    assert!(users.provision(&ana()).await.is_ok());
    assert_eq!(store.calls(), 2);
}

#[tokio::test(start_paused = true)]
async fn an_invalidation_reaches_entries_and_loads_under_way() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    users.provision(&ana()).await.unwrap();
    users.invalidate(ana().key());
    assert!(users.cached(&ana()).is_none());

    let load = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    assert_eq!(store.calls(), 2);
    users.invalidate(ana().key());
    let after = users.provision(&ana()).await.unwrap();
    assert_eq!(
        store.calls(),
        3,
        "nobody joins a load that is older than the invalidation"
    );
    assert_eq!(*after.into_parts().0, 2);
    assert!(load.await.unwrap());
    assert_eq!(
        *users.cached(&ana()).unwrap().into_parts().0,
        2,
        "nor does it come back"
    );

    users.invalidate_all();
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn tokens_that_differ_in_what_policy_reads_share_no_verdict() {
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
        "a refreshed token is no other evidence"
    );
}

#[tokio::test(start_paused = true)]
async fn tokens_that_differ_in_scope_or_client_or_before_a_rule_share_no_verdict() {
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
async fn a_scope_is_not_taken_for_a_role_of_the_same_name() {
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
async fn a_user_who_is_remembered_does_not_excuse_a_token_from_the_access_rules() {
    struct Generous;

    #[async_trait]
    impl Provisioner for Generous {
        type User = ();

        async fn provision(&self, _: &Identity) -> Result<Provisioned<()>, ProvisionError> {
            Ok(Provisioned::found(()))
        }

        fn cached(&self, _: &Identity) -> Option<Provisioned<()>> {
            Some(Provisioned::found(()))
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
async fn refusals_are_remembered_for_two_seconds_and_failures_not_at_all() {
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
async fn a_refusal_that_was_lifted_while_it_was_read_is_not_remembered() {
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
async fn a_refusal_is_remembered_no_longer_than_a_user() {
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
async fn a_revoked_token_is_refused_on_a_hit_that_a_newer_token_made() {
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
async fn a_fresh_token_does_not_share_the_verdict_on_a_revoked_one() {
    struct Revoking;

    #[async_trait]
    impl Provisioner for Revoking {
        type User = ();

        async fn provision(&self, identity: &Identity) -> Result<Provisioned<()>, ProvisionError> {
            sleep(SECOND).await;
            match identity.issued_at() {
                Some(2_000..) => Ok(Provisioned::found(())),
                _ => Err(ProvisionError::Revoked),
            }
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

#[tokio::test(start_paused = true)]
async fn a_deactivation_with_its_invalidation_counts_at_once() {
    let memory = MemoryProvisioner::new();
    let users = CachedProvisioner::new(memory.clone());
    users.provision(&ana()).await.unwrap();
    memory.set_status(ana().key(), UserStatus::Deactivated);
    assert!(users.cached(&ana()).is_some(), "behind the cache's back");
    users.invalidate(ana().key());
    assert!(users.cached(&ana()).is_none());
    assert_eq!(
        users.provision(&ana()).await.unwrap_err().reason(),
        "deactivated"
    );
}

#[tokio::test(start_paused = true)]
async fn the_cache_is_bounded_and_works_over_and_under_dyn() {
    let dynamic: Arc<dyn Provisioner<User = usize>> = Arc::new(Store::default());
    let users = CachedProvisioner::new(dynamic)
        .with_capacity(10)
        .with_ttl(SECOND * 3600);
    for number in 0..100 {
        let identity = TestIdentity::new("https://id.example.com", format!("user-{number}"));
        users.provision(&identity.build()).await.unwrap();
    }
    let held = (0..100).filter(|number| {
        let identity = TestIdentity::new("https://id.example.com", format!("user-{number}"));
        users.cached(&identity.build()).is_some()
    });
    let held = held.count();
    assert!((1..=20).contains(&held), "{held}");
    let erased: Box<dyn Provisioner<User = usize>> = Box::new(users);
    erased.provision(&ana()).await.unwrap();
    assert!(erased.cached(&ana()).is_some());
}

/// Answers with the version of its user as it was when the load began.
struct Versions(AtomicUsize);

#[async_trait]
impl Provisioner for Versions {
    type User = usize;

    async fn provision(&self, _: &Identity) -> Result<Provisioned<usize>, ProvisionError> {
        let version = self.0.load(SeqCst);
        tokio::task::yield_now().await;
        Ok(Provisioned::found(version))
    }
}

/// A stress test where loom does not fit: the cache's map and tokio's channels are not loom's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn whoever_asks_after_an_invalidation_never_gets_the_user_of_before() {
    const CHANGES: usize = 20_000;
    let users = CachedProvisioner::new(Versions(AtomicUsize::new(0)));
    let (known, loads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (users, known, loads) = (users.clone(), Arc::clone(&known), Arc::clone(&loads));
            tokio::spawn(async move {
                loop {
                    let least = known.load(SeqCst);
                    let hit = users.cached(&ana());
                    loads.fetch_add(usize::from(hit.is_none()), SeqCst);
                    let user = match hit {
                        Some(user) => user,
                        None => users.provision(&ana()).await.unwrap(),
                    };
                    let version = **user.user();
                    assert!(version >= least, "{version} after {least}");
                    if least == CHANGES {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for version in 1..=CHANGES {
        users.provisioner().0.store(version, SeqCst);
        users.invalidate(ana().key());
        known.store(version, SeqCst);
        tokio::task::yield_now().await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(loads.load(SeqCst) > 100, "nobody asked in between");
}
