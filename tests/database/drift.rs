//! Configurations that no longer match the users they created.

use std::error::Error;

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, sea_query::Expr};
use tower_jit_provisioning::{
    ClaimMap, JwtVerifier, TrustedIssuer,
    sea_orm::{CheckError, Drift, DriftKind, entity::user_identities},
    testing::{TestIssuer, TokenBuilder},
};

use crate::fixture::{ISSUER, Store};

const AUDIENCE: &str = "orders-api";

fn trusted(issuer: &TestIssuer) -> TrustedIssuer {
    let claims = ClaimMap::oidc().with_tenant_claim("/org");
    issuer.trusted(AUDIENCE).with_claims(claims)
}

fn token(issuer: &TestIssuer, org: &str) -> TokenBuilder {
    let token = issuer.token("ana").audience(AUDIENCE);
    token.claim("org", org).claim("uid", "u1")
}

async fn sign_up(store: &Store, verifier: &JwtVerifier, token: &TokenBuilder) {
    let identity = verifier.verify(&token.sign()).await.unwrap();
    store.provision(&identity).await.unwrap();
}

async fn drifts(store: &Store, configured: TrustedIssuer) -> Vec<Drift> {
    let verifier = JwtVerifier::new([configured]).unwrap();
    match store.provisioner().check_issuers(&verifier).await {
        Ok(()) => Vec::new(),
        Err(CheckError::Drift(drifts)) => drifts,
        Err(error) => panic!("{error}: {:?}", error.source()),
    }
}

async fn kinds(store: &Store, configured: TrustedIssuer) -> Vec<DriftKind> {
    let drifts = drifts(store, configured).await;
    drifts.iter().map(Drift::kind).collect()
}

pub(crate) async fn a_configuration_matches_the_users_it_created(store: &Store) {
    let issuer = TestIssuer::new(ISSUER);
    let shapes = || {
        [
            trusted(&issuer),
            trusted(&issuer).with_claims(ClaimMap::oidc().with_subject("/uid")),
            trusted(&issuer).with_tenant("acme"),
            trusted(&issuer).with_tenants_from_claim(["acme", "umbrella"]),
        ]
    };
    for shape in shapes() {
        assert!(
            drifts(store, shape).await.is_empty(),
            "there are no users yet"
        );
    }
    let verifier = JwtVerifier::new([trusted(&issuer)]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    assert!(drifts(store, trusted(&issuer)).await.is_empty());
    let other = trusted(&TestIssuer::new("https://other.example")).with_tenant("acme");
    assert!(drifts(store, other).await.is_empty(), "not its users");
}

pub(crate) async fn another_tenant_mode_is_refused(store: &Store) {
    let issuer = TestIssuer::new(ISSUER);
    let none = || trusted(&issuer);
    let fixed = |tenant: &str| trusted(&issuer).with_tenant(tenant);
    let claimed =
        |tenants: &[&str]| trusted(&issuer).with_tenants_from_claim(tenants.iter().copied());
    let verifier = JwtVerifier::new([none()]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    for other in [fixed("acme"), claimed(&["acme"])] {
        assert_eq!(kinds(store, other).await, [DriftKind::Tenant]);
    }

    let all = user_identities::Entity::delete_many().exec(&store.db);
    all.await.unwrap();
    let verifier = JwtVerifier::new([claimed(&["acme", "umbrella"])]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    sign_up(store, &verifier, &token(&issuer, "umbrella")).await;
    for other in [
        none(),
        fixed("acme"),
        fixed("umbrella"),
        claimed(&["initech"]),
    ] {
        assert_eq!(kinds(store, other).await, [DriftKind::Tenant]);
    }
    for fits in [
        claimed(&["umbrella", "initech"]),
        claimed(&["acme", "umbrella", "initech"]),
    ] {
        assert!(drifts(store, fits).await.is_empty(), "tenants come and go");
    }
}

pub(crate) async fn another_subject_strategy_is_refused(store: &Store) {
    let issuer = TestIssuer::new(ISSUER);
    let verifier = JwtVerifier::new([trusted(&issuer)]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    let by_uid = || {
        let claims = ClaimMap::oidc().with_subject("/uid");
        issuer.trusted(AUDIENCE).with_claims(claims)
    };
    let found = drifts(store, by_uid()).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind(), DriftKind::SubjectStrategy);
    assert_eq!(found[0].issuer(), ISSUER);
    assert_eq!(found[0].stored(), ["/sub"]);
    assert_eq!(found[0].configured(), "/uid");

    let both = by_uid().with_tenant("acme");
    let verifier = JwtVerifier::new([both]).unwrap();
    let error = store
        .provisioner()
        .check_issuers(&verifier)
        .await
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "the configuration does not match the stored identities: \
         issuer `https://id.example.com`: users are in tenant ``, but `acme` is configured; \
         issuer `https://id.example.com`: subjects were read from `/sub`, but `/uid` is configured; \
         restore the configuration or relink the identities"
    );
}

pub(crate) async fn users_under_an_alias_are_found(store: &Store) {
    let issuer = TestIssuer::new(ISSUER);
    let verifier = JwtVerifier::new([trusted(&issuer)]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    let renamed = trusted(&TestIssuer::new("https://new.example.com")).add_alias(ISSUER);
    let found = drifts(store, renamed).await;
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].kind(), DriftKind::Issuer);
    assert_eq!(found[0].stored(), [ISSUER]);
    assert_eq!(found[0].configured(), "https://new.example.com");
}

pub(crate) async fn unknown_strategies_and_erased_identities_are_ignored(store: &Store) {
    let issuer = TestIssuer::new(ISSUER);
    let verifier = JwtVerifier::new([trusted(&issuer)]).unwrap();
    sign_up(store, &verifier, &token(&issuer, "acme")).await;
    let by_uid = || {
        let claims = ClaimMap::oidc().with_subject("/uid");
        issuer.trusted(AUDIENCE).with_claims(claims)
    };
    let set = |column: user_identities::Column| async move {
        user_identities::Entity::update_many()
            .col_expr(column, Expr::value(""))
            .filter(user_identities::Column::Subject.eq("ana"))
            .exec(&store.db)
            .await
            .unwrap();
    };
    set(user_identities::Column::SubjectStrategy).await;
    assert!(
        drifts(store, by_uid()).await.is_empty(),
        "no strategy was recorded"
    );
    assert_eq!(
        kinds(store, by_uid().with_tenant("acme")).await,
        [DriftKind::Tenant]
    );
    set(user_identities::Column::Issuer).await;
    assert!(drifts(store, by_uid().with_tenant("acme")).await.is_empty());
}

pub(crate) async fn an_unavailable_store_is_not_reported_as_drift(store: &Store) {
    let verifier = JwtVerifier::new([trusted(&TestIssuer::new(ISSUER))]).unwrap();
    let provisioner = store.provisioner();
    store.db.close_by_ref().await.unwrap();
    let error = provisioner.check_issuers(&verifier).await.unwrap_err();
    assert!(matches!(error, CheckError::Store(_)));
    assert!(error.source().is_some());
}
