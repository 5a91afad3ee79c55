//! Subjects, keys and caches keyed by them.

use serde_json::json;
use tower_jit_provisioning::{
    CachedProvisioner, ClaimMap, IssuerPolicy, JwtVerifier, Linking, MemoryProvisioner, Outcome,
    Provisioner, testing::TestIssuer,
};

use super::app::{ADDRESS, AUDIENCE, App, issuer, linking, token};

/// CVE-2024-4024 (GitLab): a mutable Bitbucket name was the identifier. django-allauth 65.13: Okta
/// and NetIQ were keyed by `preferred_username`. CVE-2026-51584 (memos): the same.
#[test]
fn a_mutable_claim_is_not_a_subject() {
    let code = |claims: ClaimMap| {
        let trusted = issuer().trusted(AUDIENCE).with_claims(claims);
        let error = JwtVerifier::new([trusted]).unwrap_err();
        error.faults()[0].kind().as_str()
    };
    for claim in ["/preferred_username", "/email", "/upn", "/unique_name"] {
        assert_eq!(
            code(ClaimMap::oidc().with_subject(claim)),
            "mutable_subject"
        );
    }
    let renamed = ClaimMap::oidc().with_email("/mail", "/verified");
    assert_eq!(code(renamed.with_subject("/mail")), "mutable_subject");
    assert_eq!(
        code(ClaimMap::okta().with_subject("/sub")),
        "mutable_subject"
    );
}

/// CVE-2025-41115 (Grafana): a numeric external id was treated as an internal one.
#[tokio::test]
async fn a_subject_is_not_an_internal_id() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    assert_eq!(app.id(&token(&issuer, "ana")).await, "1");
    let posing = app.enter(&token(&issuer, "1")).await.unwrap();
    assert_eq!((posing.outcome, &*posing.id), (Outcome::Created, "2"));

    let app = App::with_database([issuer.trusted(AUDIENCE)]).await;
    let ana = app.id(&token(&issuer, "ana")).await;
    let key = app.identity(&token(&issuer, "ana")).await.key().to_string();
    for subject in [&ana, &key, &ana.replace('-', "")] {
        let posing = app.enter(&token(&issuer, subject)).await.unwrap();
        assert_eq!(posing.outcome, Outcome::Created);
        assert_ne!(posing.id, ana);
    }
}

/// Flowfin/jellyfin-plugin-sso#155, better-auth#10403: the issuer was not in the key. Boost
/// Security 2026 (GitHub Actions): parts were joined with a character that the parts may contain.
#[tokio::test]
async fn issuer_and_subject_have_one_encoding() {
    let names = [
        "https://id.example.com",
        "https://id.example.com/a",
        "https://id.example.co",
    ];
    let issuers = names.map(TestIssuer::new);
    let app = App::new(issuers.each_ref().map(|issuer| issuer.trusted(AUDIENCE)));
    let mut ids = Vec::new();
    for issuer in &issuers {
        for subject in ["ana", "/aana", "a/ana", "mana", "Ana", "ana "] {
            ids.push(app.id(&token(issuer, subject)).await);
        }
    }
    let all = ids.len();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), all);

    let issuer = &issuers[0];
    let entra = issuer.trusted(AUDIENCE).with_claims(ClaimMap::entra_v2());
    let app = App::new([entra]);
    let of = |tid, oid| {
        let token = token(issuer, "x").claim("azp", "app").claim("scp", "read");
        token.claim("tid", tid).claim("oid", oid)
    };
    app.id(&of("a", "b")).await;
    for ambiguous in [of("a/b", "c"), of("a", "b/c"), of("", "a/b")] {
        assert!(app.enter(&ambiguous).await.is_err());
    }
}

/// keycloak#33090: tokens came without `sub`. Another claim in its place would identify another
/// person.
#[tokio::test]
async fn a_token_without_a_subject_has_no_substitute() {
    let issuer = issuer();
    let app = App::new([issuer.trusted(AUDIENCE)]);
    let claims = token(&issuer, "ana")
        .email(ADDRESS, true)
        .claim("preferred_username", "ana")
        .claim("client_id", "ana");
    for subject in [
        json!(null),
        json!(""),
        json!(7),
        json!(["ana"]),
        json!({"id": "ana"}),
    ] {
        assert!(
            app.enter(&claims.clone().claim("sub", subject))
                .await
                .is_err()
        );
    }
    assert!(app.enter(&claims.without_claim("sub")).await.is_err());
    assert!(app.users.is_empty());
}

/// CVE-2022-24812 (Grafana): permissions were cached under one key for every API key.
#[tokio::test]
async fn the_cache_of_one_token_serves_no_other_user() {
    let issuer = issuer();
    let policy = IssuerPolicy::new().map_role("admin", "admin");
    let claims = ClaimMap::oidc().add_roles("/roles");
    let trusted = issuer
        .trusted(AUDIENCE)
        .with_policy(policy)
        .with_claims(claims);
    let App { verifier, users } = App::new([trusted]);
    let app = App {
        verifier,
        users: CachedProvisioner::new(users),
    };
    let admin = token(&issuer, "ana").claim("roles", ["admin"].as_slice());
    assert_eq!(app.enter(&admin).await.unwrap().roles, ["admin"]);
    assert!(
        app.enter(&token(&issuer, "bo"))
            .await
            .unwrap()
            .roles
            .is_empty()
    );
    // One person, two tokens.
    let less = token(&issuer, "ana").claim("roles", ["guest"].as_slice());
    assert!(app.enter(&less).await.unwrap().roles.is_empty());
    let identity = app.identity(&less).await;
    assert!(app.users.cached(&identity).unwrap().user().roles.is_empty());
}

/// GHSA-pfmw-vj74-ph8g and CVE-2022-40186 (Vault): an entity has several aliases, and the metadata
/// of an alias other than the request's was used.
#[tokio::test]
async fn the_identity_of_the_request_applies() {
    let (staff, partners) = (issuer(), TestIssuer::new("https://partners.example"));
    let policy = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let claims = ClaimMap::oidc().add_roles("/roles");
    let trusted = [
        staff
            .trusted(AUDIENCE)
            .with_claims(claims.clone())
            .with_policy(policy.clone().map_role("admin", "admin")),
        partners
            .trusted(AUDIENCE)
            .with_claims(claims)
            .with_policy(policy),
    ];
    let app = App::with_database(trusted).await;
    let owner = app.password_user("", Some("mailbox")).await;
    let of = |issuer| {
        let token = token(issuer, "ana").email(ADDRESS, true);
        token.claim("roles", ["admin"].as_slice())
    };
    for _ in 0..2 {
        let by_staff = app.enter(&of(&staff)).await.unwrap();
        let by_partners = app.enter(&of(&partners)).await.unwrap();
        assert_eq!([&by_staff.id, &by_partners.id], [&owner, &owner]);
        assert_eq!(by_staff.roles, ["admin"]);
        assert!(
            by_partners.roles.is_empty(),
            "the roles are from another issuer"
        );
    }
}

/// azure-docs#38427: one issuer spells `iss` in two ways. A loose comparison for its sake accepts
/// other issuers too; here an operator lists the spellings.
#[tokio::test]
async fn only_listed_spellings_of_an_issuer_are_accepted() {
    let issuer = issuer();
    let alias = "https://old.example.com";
    let app = App::new([linking(&issuer).add_alias(alias)]);
    let ana = app.id(&token(&issuer, "ana")).await;
    assert_eq!(
        app.id(&token(&issuer, "ana").claim("iss", alias)).await,
        ana
    );
    for other in [
        "https://old.example.com/",
        "https://OLD.example.com",
        "old.example.com",
    ] {
        let posing = token(&issuer, "ana").claim("iss", other);
        assert!(app.enter(&posing).await.is_err());
    }
    let users: &MemoryProvisioner = &app.users;
    assert_eq!(users.len(), 1);
}
