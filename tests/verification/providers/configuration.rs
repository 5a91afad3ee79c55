//! Configuration mistakes an operator can make, and settings that must be explicit.

use tower_jit_provisioning::{
    Audience, ClaimMap, IssuerPolicy, Linking, SignUp, TokenFault, TrustedIssuer,
};

use super::fixture::Provider;

const NAMES: [&str; 19] = [
    "auth0",
    "authentik",
    "clerk",
    "cognito",
    "dex",
    "entra_v1",
    "entra_v2",
    "firebase",
    "github_actions",
    "gitlab",
    "gitlab_ci",
    "google",
    "hydra",
    "keycloak",
    "kubernetes",
    "oidc",
    "okta",
    "supabase",
    "zitadel",
];

fn linking(trusted: TrustedIssuer) -> TrustedIssuer {
    trusted.with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail))
}

#[test]
fn presets_are_found_by_stable_names() {
    assert!(ClaimMap::names().eq(NAMES));
    for name in NAMES {
        assert!(ClaimMap::named(name).is_some(), "{name}");
    }
    for name in ["", "Keycloak", "keycloak ", "entra", "auth0_with_namespace"] {
        assert!(ClaimMap::named(name).is_none(), "{name:?}");
    }
}

#[test]
fn linking_needs_a_preset_with_verified_addresses() {
    for name in ClaimMap::names().filter(|name| *name != "oidc") {
        let vouches = [
            "authentik",
            "dex",
            "firebase",
            "gitlab",
            "google",
            "hydra",
            "keycloak",
        ]
        .contains(&name);
        let expected: &[&str] = match vouches {
            true => &[],
            false => &["linking_without_voucher"],
        };
        let provider = Provider::new(name);
        assert_eq!(provider.build_faults(linking), expected, "{name}");
        let named = provider.map(|map| map.with_email("/email", "/xms_edov"));
        assert!(named.build_faults(linking).is_empty(), "{name}");
    }
    let namespaced =
        Provider::new("auth0").map(|_| ClaimMap::auth0_with_namespace("https://ex.org/"));
    assert!(namespaced.build_faults(linking).is_empty());
}

#[test]
fn an_okta_login_is_not_a_subject() {
    let login = Provider::new("okta").map(|map| map.with_subject("/sub"));
    assert_eq!(login.build_faults(|trusted| trusted), ["mutable_subject"]);
    let uid = Provider::new("okta").map(|map| map.with_subject("/uid"));
    assert!(uid.build_faults(|trusted| trusted).is_empty());
}

#[test]
fn reassignable_claims_are_not_subjects() {
    for name in ClaimMap::names().filter(|name| *name != "oidc") {
        for pointer in [
            "/email",
            "/preferred_username",
            "/upn",
            "/unique_name",
            "/ext/email",
        ] {
            let provider = Provider::new(name).map(|map| map.with_subject(pointer));
            let faults = provider.build_faults(|trusted| trusted);
            assert_eq!(faults, ["mutable_subject"], "{name} {pointer}");
        }
    }
    let address = Provider::new("keycloak").map(|map| {
        map.with_email("/mail", "/mail_verified")
            .with_subject("/mail")
    });
    assert_eq!(address.build_faults(|trusted| trusted), ["mutable_subject"]);
}

#[test]
fn tokens_of_oktas_org_server_cannot_be_trusted() {
    let org = Provider::new("okta").set("/iss", "https://acme.okta.com");
    let faults = org.build_faults(|trusted| trusted.add_alias("https://acme.okta.com"));
    assert_eq!(faults, ["org_authorization_server"]);
}

#[test]
fn services_of_a_public_issuer_sign_up_only_when_listed() {
    let policy = IssuerPolicy::new;
    for name in ["github_actions", "gitlab_ci"] {
        let provider = Provider::new(name);
        let faults =
            |policy: IssuerPolicy| provider.build_faults(|trusted| trusted.with_policy(policy));
        assert!(faults(policy()).is_empty(), "{name}");
        assert_eq!(
            faults(policy().allow_services()),
            ["public_sign_up"],
            "{name}"
        );
        assert!(faults(policy().allow_services().allow_public_sign_up()).is_empty());
        let closed = policy().with_sign_up(SignUp::Closed).allow_services();
        assert!(faults(closed).is_empty(), "{name}");
    }
    // Every cluster is an issuer of its own.
    let faults = Provider::new("kubernetes")
        .build_faults(|trusted| trusted.with_policy(policy().allow_services()));
    assert!(faults.is_empty());
}

#[test]
fn an_alias_of_a_public_issuer_is_public_and_a_self_managed_gitlab_is_not() {
    let own = |trusted: TrustedIssuer| {
        // The fixture's issuer is gitlab.com; this claim map is for a self-managed GitLab.
        trusted
            .with_claims(ClaimMap::gitlab_ci())
            .with_policy(IssuerPolicy::new().allow_services())
    };
    let provider = Provider::new("keycloak");
    assert!(provider.build_faults(own).is_empty());
    let faults = provider.build_faults(|trusted| own(trusted).add_alias("https://gitlab.com"));
    assert_eq!(faults, ["public_sign_up"]);
}

#[test]
fn both_spellings_of_the_google_issuer_are_accepted() {
    let provider = Provider::new("google");
    let canonical = provider.verify().unwrap();
    let bare = provider.set("/iss", "accounts.google.com");
    assert_eq!(bare.fault(), TokenFault::Issuer);
    let aliased = bare
        .verify_with(|trusted| trusted.add_alias("accounts.google.com"))
        .unwrap();
    assert_eq!(aliased.issuer(), "https://accounts.google.com");
    assert_eq!(aliased.key(), canonical.key());
}

#[test]
fn an_entra_user_has_one_key_in_both_token_versions() {
    let v2 = Provider::new("entra_v2");
    let v1 = Provider::new("entra_v2")
        .without("/azp")
        .without("/preferred_username")
        .set("/appid", "9f2e0000-0000-0000-0000-000000000002")
        .set("/unique_name", "ana@ex.org")
        .set("/ver", "1.0")
        .set(
            "/iss",
            "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
        );
    assert_eq!(v1.fault(), TokenFault::Issuer);
    let one = v1
        .verify_with(|trusted| {
            trusted.add_alias("https://sts.windows.net/11111111-2222-3333-4444-555555555555/")
        })
        .unwrap();
    let two = v2.verify().unwrap();
    assert_eq!(one.key(), two.key());
    assert_eq!(one.issuer(), two.issuer());
    assert_eq!(one.client_id(), two.client_id());
    assert_eq!(one.username(), two.username());
}

#[test]
fn cognito_and_clerk_need_a_client_rule_instead_of_an_audience() {
    for (name, good, bad) in [
        (
            "cognito",
            Audience::ClientId(vec!["4f9example".to_owned()]),
            Audience::ClientId(vec!["other".to_owned()]),
        ),
        (
            "clerk",
            Audience::AuthorizedParty(vec!["https://app.ex.org".to_owned()]),
            Audience::AuthorizedParty(vec!["https://app.ex.org/".to_owned()]),
        ),
    ] {
        let provider = Provider::new(name);
        assert!(provider.clone().meant_for(good).verify().is_ok(), "{name}");
        assert_eq!(
            provider.clone().meant_for(bad).fault(),
            TokenFault::Audience
        );
        let by_aud = provider.meant_for("4f9example".into());
        assert_eq!(by_aud.fault(), TokenFault::Audience, "{name}");
    }
}
