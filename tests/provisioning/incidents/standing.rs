//! Whether a user may act, with which roles, and for how long.

use std::time::UNIX_EPOCH;

use serde_json::json;
use tower_jit_provisioning::{
    CachedProvisioner, ClaimMap, IssuerPolicy, Outcome, Provisioner, TrustedIssuer, UserStatus,
    testing::TestIssuer,
};

use super::app::{ADDRESS, AUDIENCE, App, issuer, token};

/// Maps the issuer's `admin` and `editor`.
fn with_roles(issuer: &TestIssuer, claims: ClaimMap) -> TrustedIssuer {
    let policy = IssuerPolicy::new()
        .map_role("orders-admin", "admin")
        .map_role("orders-editor", "editor");
    issuer
        .trusted(AUDIENCE)
        .with_policy(policy)
        .with_claims(claims)
}

/// CVE-2023-22492 (Zitadel), CVE-2026-43983 (Pocket ID), GHSA-36mj-6r7r-mqhf (eZ), synapse#12274: a
/// deactivated user still used, or was given, tokens.
#[tokio::test]
async fn a_deactivated_user_is_refused() {
    let issuer = issuer();
    let App { verifier, users } = App::new([issuer.trusted(AUDIENCE)]);
    let cached = CachedProvisioner::new(users.clone());
    let app = App {
        verifier,
        users: cached,
    };
    let first = token(&issuer, "ana");
    app.enter(&first).await.unwrap();
    let key = app.identity(&first).await.key();
    for (status, reason) in [
        (UserStatus::Deactivated, "deactivated"),
        (UserStatus::Pending, "pending_approval"),
        (UserStatus::Deleted, "deleted"),
    ] {
        users.set_status(key, status);
        app.users.invalidate(key);
        assert_eq!(app.refusal(&first).await, reason, "the token of before");
        let fresh = token(&issuer, "ana").claim("jti", status.as_str());
        assert_eq!(app.refusal(&fresh).await, reason, "a fresh one");
        assert!(app.users.cached(&app.identity(&fresh).await).is_none());
    }
    assert_eq!(users.len(), 1, "no user is created again");
}

/// A step beyond GHSA-36mj-6r7r-mqhf (eZ) and similar incidents: tokens issued before the
/// revocation stay invalid when the user is reactivated.
#[tokio::test]
async fn a_revoked_token_stays_revoked() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    let old = token(&issuer, "ana");
    app.enter(&old).await.unwrap();
    let key = app.identity(&old).await.key();
    app.users.set_status(key, UserStatus::Deactivated);
    app.users.set_status(key, UserStatus::Active);
    assert_eq!(app.refusal(&old).await, "revoked");
    let undated = token(&issuer, "ana").without_claim("iat");
    assert_eq!(app.refusal(&undated).await, "revoked");
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    // Within the leeway, and valid afterwards in any case.
    let fresh = token(&issuer, "ana").claim("iat", now + 10);
    app.enter(&fresh).await.unwrap();
}

/// A deleted account came back with its next token, or blocked its address for the next owner
/// forever (better-auth#11111).
#[tokio::test]
async fn a_deleted_user_stays_deleted_and_frees_its_address() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    let of = |subject| token(&issuer, subject).email(ADDRESS, true);
    let ana = of("ana");
    let id = app.id(&ana).await;
    assert_eq!(app.refusal(&of("bo")).await, "conflict");
    let key = app.identity(&ana).await.key();
    app.users.set_status(key, UserStatus::Deleted);
    assert_eq!(app.refusal(&ana).await, "deleted");
    let bo = app.enter(&of("bo")).await.unwrap();
    assert_eq!(bo.outcome, Outcome::Created);
    assert_ne!(bo.id, id);
    let now = UNIX_EPOCH.elapsed().unwrap().as_secs();
    assert_eq!(app.refusal(&ana.claim("iat", now + 10)).await, "deleted");
}

/// CVE-2022-1162 (GitLab): users created by single sign-on had a password, the same for all.
#[tokio::test]
async fn a_user_created_from_a_token_has_no_password() {
    let issuer = issuer();
    let app = App::with_database([issuer.trusted(AUDIENCE)]).await;
    let ana = token(&issuer, "ana")
        .claim("hashed_password", "x")
        .claim("password", "x");
    assert_eq!(app.row(&app.id(&ana).await).await.hashed_password, None);
}

/// RFC 9700 section 4.15: a client whose id equals a person's subject is treated as that person, or
/// the reverse.
#[tokio::test]
async fn a_service_is_not_a_person() {
    let issuer = issuer();
    let policy = IssuerPolicy::new().allow_services();
    let app = App::with_database([issuer.trusted(AUDIENCE).with_policy(policy)]).await;
    let person = |subject| token(&issuer, subject).claim("client_id", "web");
    let service = |subject: &str| token(&issuer, subject).claim("client_id", subject);
    app.enter(&person("ana")).await.unwrap();
    assert_eq!(app.refusal(&service("ana")).await, "kind_mismatch");
    app.enter(&service("robot")).await.unwrap();
    assert_eq!(app.refusal(&person("robot")).await, "kind_mismatch");
}

/// LibreChat#12187: a token with too many groups to list demoted administrators.
#[tokio::test]
async fn a_truncated_list_removes_no_roles() {
    let issuer = issuer();
    let claims = ClaimMap::entra_v2().add_roles("/groups");
    let app = App::with_database([with_roles(&issuer, claims)]).await;
    let of = |iat: u64| {
        let token = token(&issuer, "x").claim("tid", "t").claim("oid", "o");
        token
            .claim("azp", "app")
            .claim("scp", "read")
            .claim("iat", iat)
    };
    let listed = of(1_000).claim("groups", json!(["orders-admin"]));
    assert_eq!(app.enter(&listed).await.unwrap().roles, ["admin"]);
    let overage = of(2_000)
        .claim("_claim_names", json!({"groups": "src1"}))
        .claim(
            "_claim_sources",
            json!({"src1": {"endpoint": "https://evil.example"}}),
        );
    let entered = app.enter(&overage).await.unwrap();
    assert_eq!(
        (entered.outcome, entered.roles),
        (Outcome::Found, vec!["admin".to_owned()])
    );
    let fewer = of(3_000).claim("groups", json!(["orders-editor"]));
    assert_eq!(app.enter(&fewer).await.unwrap().roles, ["editor"]);
    let later = of(4_000).claim("hasgroups", true);
    assert_eq!(
        app.enter(&later).await.unwrap().roles,
        ["editor"],
        "the last that were listed"
    );
}

/// GHSA-9ghh-mmcq-8phc, GHSA-vf6j-6739-78m8 (Rancher): a group that was removed at the provider
/// stayed effective, also through a cache.
#[tokio::test]
async fn a_removed_role_is_gone_with_the_next_token() {
    let issuer = issuer();
    let claims = ClaimMap::oidc().add_roles("/roles");
    let App { verifier, users } = App::with_database([with_roles(&issuer, claims)]).await;
    let app = App {
        verifier,
        users: CachedProvisioner::new(users),
    };
    let of = |iat: u64, roles: &[&str]| {
        token(&issuer, "ana")
            .claim("iat", iat)
            .claim("roles", roles)
    };
    let admin = of(1_000, &["orders-admin"]);
    for _ in 0..2 {
        assert_eq!(app.enter(&admin).await.unwrap().roles, ["admin"]);
    }
    let demoted = of(2_000, &[]);
    for _ in 0..2 {
        assert!(app.enter(&demoted).await.unwrap().roles.is_empty());
    }
}

/// Neither being the first user nor unmapped roles of the issuer make a user an administrator.
#[tokio::test]
async fn unmapped_roles_grant_nothing() {
    let issuer = issuer();
    let claims = ClaimMap::oidc().add_roles("/roles").add_roles("/groups");
    let app = App::new([with_roles(&issuer, claims)]);
    let posing = token(&issuer, "ana")
        .claim(
            "roles",
            json!(["admin", "ORDERS-ADMIN", "orders-admin ", "root", "*"]),
        )
        .claim("groups", "admin superuser");
    assert!(app.enter(&posing).await.unwrap().roles.is_empty());
    let mapped = token(&issuer, "bo").claim("roles", json!(["orders-admin"]));
    assert_eq!(app.enter(&mapped).await.unwrap().roles, ["admin"]);
}
