//! E-mail addresses, whether the issuer has verified them, and names.

use serde_json::{Value, json};
use tower_jit_provisioning::ClaimMap;

use super::fixture::Provider;

fn vouched(provider: &Provider) -> Option<String> {
    let identity = provider.verify().unwrap();
    identity
        .vouched_email()
        .map(|email| email.as_str().to_owned())
}

#[test]
fn only_json_true_marks_an_address_as_verified() {
    for (name, flag) in [
        ("authentik", "/email_verified"),
        ("dex", "/email_verified"),
        ("firebase", "/email_verified"),
        ("gitlab", "/email_verified"),
        ("google", "/email_verified"),
        ("hydra", "/ext/email_verified"),
        ("keycloak", "/email_verified"),
    ] {
        let with = |value: Value| vouched(&Provider::new(name).set(flag, value));
        assert!(with(json!(true)).is_some(), "{name}");
        for value in [json!("true"), json!(false), json!(1), Value::Null] {
            assert_eq!(with(value.clone()), None, "{name} {value}");
        }
    }
}

#[test]
fn a_verified_flag_is_ignored_for_providers_without_one() {
    for name in ["entra_v1", "entra_v2", "supabase"] {
        let provider = Provider::new(name)
            .set("/email", "ana@ex.org")
            .set("/email_verified", true)
            .set("/xms_edov", true);
        assert!(provider.verify().unwrap().email().is_some(), "{name}");
        assert_eq!(vouched(&provider), None, "{name}");
    }
    let edited = Provider::new("supabase").set("/user_metadata/email_verified", true);
    assert_eq!(vouched(&edited), None);
}

#[test]
fn an_address_claim_unknown_to_the_provider_is_not_read() {
    for name in [
        "auth0",
        "clerk",
        "cognito",
        "github_actions",
        "gitlab_ci",
        "kubernetes",
        "okta",
        "zitadel",
    ] {
        let provider = Provider::new(name)
            .set("/email", "ana@ex.org")
            .set("/email_verified", true);
        assert!(provider.verify().unwrap().email().is_none(), "{name}");
    }
}

#[test]
fn entra_addresses_are_verified_by_xms_edov_if_configured() {
    let provider = |flag: Value| {
        Provider::new("entra_v2")
            .map(|map| map.with_email("/email", "/xms_edov"))
            .set("/email", "ana@ex.org")
            .set("/xms_edov", flag)
    };
    assert_eq!(
        vouched(&provider(json!(true))).as_deref(),
        Some("ana@ex.org")
    );
    for flag in [json!(false), json!("true"), json!("1"), json!(1)] {
        assert_eq!(vouched(&provider(flag.clone())), None, "{flag}");
    }
}

#[test]
fn the_auth0_namespace_prefixes_claim_names_unchanged() {
    let without_slash =
        Provider::new("auth0").map(|_| ClaimMap::auth0_with_namespace("https://ex.org"));
    assert!(without_slash.verify().unwrap().email().is_none());
}

#[test]
fn a_cognito_id_token_provides_its_address_if_both_are_configured() {
    let provider = Provider::new("cognito")
        .map(|map| {
            map.with_email("/email", "/email_verified")
                .with_username("/cognito:username")
        })
        .set("/token_use", "id")
        .set("/aud", "4f9example")
        .set("/cognito:username", "ana-1")
        .set("/email", "ana@ex.org")
        .set("/email_verified", true);
    let identity = provider
        .verify_with(|trusted| trusted.allow_id_tokens())
        .unwrap();
    assert_eq!(identity.vouched_email().unwrap().as_str(), "ana@ex.org");
    assert_eq!(identity.username(), Some("ana-1"));
}

#[test]
fn the_entra_user_name_is_read_from_both_token_versions() {
    let v1 = Provider::new("entra_v1").without("/unique_name");
    assert_eq!(v1.verify().unwrap().username(), Some("ana@ex.org"));
    let none = v1.without("/upn");
    assert_eq!(none.verify().unwrap().username(), None);
}
