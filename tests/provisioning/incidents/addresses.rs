//! Addresses, user names and logins: a user with another person's address does not become that
//! person.

use std::error::Error;

use async_trait::async_trait;
use serde_json::{Value, json};
use tower_jit_provisioning::{
    ClaimMap, Enricher, Identity, IssuerPolicy, Outcome, Provisioner, SignUp, policy::Rule,
    provisioner::Enrichment, testing::TestIssuer,
};

use super::app::{ADDRESS, AUDIENCE, App, issuer, linking, token};

/// CVE-2023-3128 (Grafana): accounts were matched by the mutable `email` claim. CVE-2026-49757
/// (ash_authentication): the user was upserted by it.
#[tokio::test]
async fn an_equal_address_does_not_identify_a_user() {
    let issuer = issuer();
    let app = App::new([linking(&issuer)]);
    let ana = app.id(&token(&issuer, "ana").email(ADDRESS, true)).await;
    let eve = token(&issuer, "eve").email(ADDRESS, true);
    assert_eq!(app.refusal(&eve).await, "conflict");
    let eve = token(&issuer, "eve").email(ADDRESS, false);
    assert_ne!(app.id(&eve).await, ana);
    // A user who changes the address stays the same user.
    let moved = token(&issuer, "ana").email("ana@elsewhere.example", true);
    assert_eq!(app.id(&moved).await, ana);
}

/// GHSA-vm39-j3vx-pch3 (Mastodon): two people who swapped addresses at the provider swapped
/// accounts.
#[tokio::test]
async fn addresses_swapped_at_the_issuer_swap_no_accounts() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let bo = "bo@example.com";
    let of = |subject, address, iat: u64| {
        token(&issuer, subject)
            .email(address, true)
            .claim("iat", iat)
    };
    let before = [
        app.id(&of("ana", ADDRESS, 1_000)).await,
        app.id(&of("bo", bo, 1_000)).await,
    ];
    let after = [
        app.id(&of("ana", bo, 2_000)).await,
        app.id(&of("bo", ADDRESS, 2_000)).await,
    ];
    assert_eq!(before, after);
    assert_eq!(
        app.row(&before[0]).await.email.as_deref(),
        Some(ADDRESS),
        "still Bo's"
    );
}

/// CVE-2022-31107 (Grafana): a login equal to an existing one took the account over. CVE-2022-39229
/// (Grafana): one user's name was another's address.
#[tokio::test]
async fn a_user_name_does_not_identify_a_user() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let named = |subject, name| token(&issuer, subject).claim("preferred_username", name);
    let ana = app.id(&named("1", "ana").email(ADDRESS, true)).await;
    let twin = app.enter(&named("2", "ana")).await.unwrap();
    let posing = app.enter(&named("3", ADDRESS)).await.unwrap();
    for other in [&twin, &posing] {
        assert_eq!(other.outcome, Outcome::Created);
        assert_ne!(other.id, ana);
    }
    assert_eq!(app.row(&posing.id).await.email_key, None);
}

/// nOAuth (Descope 2023), CVE-2024-21632 (omniauth-microsoft_graph), CVE-2026-41574 (nhost),
/// GHSA-prgm-wrjv-fvrh: an unverified address was treated as verified.
#[tokio::test]
async fn only_an_address_verified_by_the_issuer_links() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let owner = app.password_user("", Some("mailbox")).await;
    let flags = [
        json!(false),
        json!(null),
        json!("true"),
        json!(1),
        json!([true]),
    ];
    for (number, flag) in flags.into_iter().enumerate() {
        let eve = token(&issuer, &format!("eve{number}")).email(ADDRESS, true);
        let entered = app.enter(&eve.claim("email_verified", flag)).await.unwrap();
        assert_eq!(entered.outcome, Outcome::Created);
        assert_ne!(entered.id, owner);
    }
    let absent = token(&issuer, "eve").claim("email", ADDRESS);
    assert_ne!(app.id(&absent).await, owner);
    let entra = issuer.trusted(AUDIENCE).with_claims(ClaimMap::entra_v2());
    let trusted = App::new([entra]);
    let any_directory = token(&issuer, "x")
        .claim("tid", "t")
        .claim("oid", "o")
        .claim("azp", "app")
        .claim("scp", "read")
        .email(ADDRESS, true);
    assert!(
        trusted
            .identity(&any_directory)
            .await
            .vouched_email()
            .is_none()
    );
    assert_eq!(
        app.id(&token(&issuer, "ana").email(ADDRESS, true)).await,
        owner
    );
}

/// CVE-2026-53516 (better-auth): an attacker who signed up first with a victim's address, without
/// proving it, shared the account with the victim.
#[tokio::test]
async fn an_account_with_an_unverified_address_is_not_linked() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let prepared = app.password_user("", None).await;
    let ana = app
        .enter(&token(&issuer, "ana").email(ADDRESS, true))
        .await
        .unwrap();
    assert_eq!(ana.outcome, Outcome::Created);
    assert_ne!(ana.id, prepared);
    assert!(app.row(&ana.id).await.email_key.is_some());
}

/// Returns Ana's attributes for every subject.
struct OtherPersonsAttributes;

#[async_trait]
impl Enricher for OtherPersonsAttributes {
    async fn enrich(&self, _: &Identity) -> Result<Enrichment, Box<dyn Error + Send + Sync>> {
        let mut found = Enrichment::default();
        found.email = Some(ADDRESS.to_owned());
        Ok(found)
    }
}

/// fusionauth-issues#2542: the address came from UserInfo, the flag from the token. CVE-2026-84458
/// (Zammad), GHSA-vf58-5v5f-mvpm (Harper): unsigned UserInfo adopted accounts.
#[tokio::test]
async fn address_and_flag_come_from_one_signed_document() {
    let issuer = issuer();
    let mut app = App::with_database([linking(&issuer)]).await;
    app.users = app.users.with_enricher(OtherPersonsAttributes);
    let owner = app.password_user("", Some("mailbox")).await;
    let eve = token(&issuer, "eve").claim("email_verified", true);
    let entered = app.enter(&eve).await.unwrap();
    assert_eq!(entered.outcome, Outcome::Created);
    assert_ne!(entered.id, owner);
    let row = app.row(&entered.id).await;
    assert_eq!((row.email.as_deref(), row.email_key), (Some(ADDRESS), None));
}

/// CVE-2025-22146, CVE-2026-27197, CVE-2026-42354, CVE-2026-102899 (Sentry), CVE-2026-59151
/// (Prowler): a tenant's own provider asserted the address of another tenant's user.
#[tokio::test]
async fn an_issuer_of_one_tenant_cannot_reach_another_tenant() {
    let (acme, evil) = (issuer(), TestIssuer::new("https://evil.example"));
    let trusted = [
        linking(&acme).with_tenant("acme"),
        linking(&evil).with_tenant("evil"),
    ];
    let app = App::with_database(trusted).await;
    let owner = app.password_user("acme", Some("mailbox")).await;
    let eve = app
        .enter(&token(&evil, "eve").email(ADDRESS, true))
        .await
        .unwrap();
    assert_eq!(eve.outcome, Outcome::Created);
    assert_eq!(app.row(&eve.id).await.tenant, "evil");
    let ana = app
        .enter(&token(&acme, "ana").email(ADDRESS, true))
        .await
        .unwrap();
    assert_eq!((ana.outcome, ana.id), (Outcome::Linked, owner));
}

/// CVE-2026-56223 (Capgo): a domain was claimed without a proof.
#[tokio::test]
async fn an_issuer_is_limited_to_the_configured_domains() {
    let issuer = issuer();
    let claims = ClaimMap::oidc().with_authoritative_domains("/email", ["corp.example"]);
    let app = App::with_database([linking(&issuer).with_claims(claims)]).await;
    let owner = app.password_user("", Some("mailbox")).await;
    for (subject, address) in [
        ("1", ADDRESS),
        ("2", "ana@sub.corp.example"),
        ("3", "ana@corp.example.evil.example"),
        ("4", "ana@xcorp.example"),
    ] {
        let eve = token(&issuer, subject).email(address, true);
        assert!(
            app.identity(&eve).await.vouched_email().is_none(),
            "{address}"
        );
        assert_ne!(app.id(&eve).await, owner);
    }
    let employee = token(&issuer, "5").claim("email", "bo@corp.example");
    assert!(app.identity(&employee).await.vouched_email().is_some());
}

/// GHSA-c5c4-8r6x-56w3 (oauth2-proxy): `eve@evil.example@example.com` passed for example.com.
#[tokio::test]
async fn an_address_has_one_at_sign() {
    let issuer = issuer();
    let rule = SignUp::When(Rule::email_domain(["example.com"]));
    let policy = IssuerPolicy::new().with_sign_up(rule);
    let app = App::new([issuer.trusted(AUDIENCE).with_policy(policy)]);
    for address in [
        "eve@evil.example@example.com",
        "\"eve@evil.example\"@example.com",
        "eve@evil.example,ana@example.com",
        "eve@evil.example ana@example.com",
        "@example.com",
        "example.com",
    ] {
        let eve = token(&issuer, "eve").email(address, true);
        assert_eq!(app.refusal(&eve).await, "rule_failed", "{address}");
    }
    app.id(&token(&issuer, "ana").email(ADDRESS, true)).await;
}

/// CVE-2019-19844 (Django): `mıke@` and `mike@` were folded into one. Outline's `ILIKE`: `_` and
/// `%` in an address were wildcards.
#[tokio::test]
async fn addresses_are_compared_byte_for_byte_except_for_ascii_case() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let owner = app.password_user("", Some("mailbox")).await;
    for (number, address) in [
        "\u{e1}na@example.com",
        "an\u{430}@example.com",
        "ana@ex\u{e4}mple.com",
        "%@example.com",
        "a_a@example.com",
        "ana@example.com.",
        "ana+x@example.com",
    ]
    .into_iter()
    .enumerate()
    {
        let other = token(&issuer, &number.to_string()).email(address, true);
        assert_ne!(app.id(&other).await, owner, "{address}");
    }
    let ana = token(&issuer, "ana").email("ANA@Example.COM", true);
    assert_eq!(app.id(&ana).await, owner);
}

/// Truffle Security 2025 (Google): a new owner of a lapsed domain has its old addresses and its
/// `hd`, and a new `sub`.
#[tokio::test]
async fn a_new_owner_of_an_address_is_a_conflict() {
    let issuer = issuer();
    let app = App::new([linking(&issuer)]);
    let hired = token(&issuer, "108")
        .email(ADDRESS, true)
        .claim("hd", "example.com");
    app.id(&hired).await;
    let bought = token(&issuer, "109")
        .email(ADDRESS, true)
        .claim("hd", "example.com");
    assert_eq!(app.refusal(&bought).await, "conflict");
}

/// GHSA-cf8f-w2c5-p5jr (Keycloak before 8): service accounts got addresses at `placeholder.org`, a
/// domain that a third party could own.
#[tokio::test]
async fn no_address_is_generated() {
    let issuer = issuer();
    let policy = IssuerPolicy::new().allow_services();
    let app = App::with_database([issuer.trusted(AUDIENCE).with_policy(policy)]).await;
    let service = token(&issuer, "robot").claim("client_id", "robot");
    let nonsense = token(&issuer, "ana").claim("email", Value::Null);
    for token in [service, nonsense] {
        let row = app.row(&app.id(&token).await).await;
        assert_eq!((row.email, row.email_key), (None, None));
    }
}

/// CVE-2026-9087 and CVE-2025-7365 (Keycloak), CVE-2026-105215 (Zitadel): the permission to link
/// was not bound to the claims of the upstream issuer. Here only the token names issuer, subject
/// and address.
#[tokio::test]
async fn a_user_has_one_subject_per_issuer() {
    let issuer = issuer();
    let app = App::with_database([linking(&issuer)]).await;
    let owner = app.password_user("", Some("mailbox")).await;
    assert_eq!(
        app.id(&token(&issuer, "ana").email(ADDRESS, true)).await,
        owner
    );
    let second = token(&issuer, "ana-2").email(ADDRESS, true);
    assert_eq!(app.refusal(&second).await, "conflict");
    let identity = app.identity(&second).await;
    assert!(
        app.users.provision(&identity).await.is_err(),
        "nor shortly afterwards"
    );
}
