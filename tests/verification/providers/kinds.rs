//! Kinds of principals: a person, a service, or unknown.

use tower_jit_provisioning::PrincipalKind::{self, Anonymous, Human, Service};

use super::fixture::Provider;

#[track_caller]
fn assert_kind(provider: &Provider, expected: PrincipalKind) {
    assert_eq!(provider.verify().unwrap().kind(), expected, "{provider:?}");
}

#[test]
fn keycloak_marks_service_accounts_by_user_name() {
    let named = |name: &str| Provider::new("keycloak").set("/preferred_username", name);
    assert_kind(&named("service-account-web"), Service);
    assert_kind(&named("my-service-account-web"), Human);
    assert_kind(
        &Provider::new("keycloak").without("/preferred_username"),
        Human,
    );
}

#[test]
fn auth0_marks_machines_by_grant_and_subject() {
    let provider = || Provider::new("auth0");
    assert_kind(&provider().set("/sub", "K1AUPhZq8mRi@clients"), Service);
    assert_kind(&provider().set("/gty", "client-credentials"), Service);
    assert_kind(&provider().set("/gty", "password"), Human);
}

#[test]
fn a_client_with_itself_as_subject_is_a_service() {
    for (name, client) in [
        ("cognito", "4f9example"),
        ("hydra", "web"),
        ("zitadel", "201@orders"),
    ] {
        let identity = Provider::new(name).set("/sub", client).verify().unwrap();
        assert_eq!(
            (identity.kind(), identity.subject()),
            (Service, client),
            "{name}"
        );
    }
}

#[test]
fn a_client_credentials_token_of_okta_is_the_client() {
    let identity = Provider::new("okta")
        .without("/uid")
        .set("/sub", "0oa9z8y7")
        .verify()
        .unwrap();
    assert_eq!((identity.kind(), identity.subject()), (Service, "0oa9z8y7"));
}

#[test]
fn entra_marks_applications_by_idtyp_or_by_having_no_scope() {
    for name in ["entra_v1", "entra_v2"] {
        assert_kind(&Provider::new(name).set("/idtyp", "app"), Service);
        assert_kind(&Provider::new(name).without("/scp"), Service);
        assert_kind(&Provider::new(name).set("/idtyp", "user"), Human);
    }
}

#[test]
fn an_explicitly_allowed_entra_id_token_belongs_to_a_person() {
    let id_token = Provider::new("entra_v2").without("/azp").without("/scp");
    let identity = id_token.verify_with(|trusted| trusted.allow_id_tokens());
    assert_eq!(identity.unwrap().kind(), Human);
}

#[test]
fn workloads_are_always_services() {
    for name in ["github_actions", "gitlab_ci", "kubernetes"] {
        assert_kind(&Provider::new(name), Service);
        assert_kind(&Provider::new(name).set("/email", "ana@ex.org"), Service);
    }
}

#[test]
fn firebase_and_supabase_have_anonymous_users() {
    let firebase = |how: &str| Provider::new("firebase").set("/firebase/sign_in_provider", how);
    assert_kind(&firebase("anonymous"), Anonymous);
    assert_kind(&firebase("custom"), Human);
    let supabase = || Provider::new("supabase");
    assert_kind(&supabase().set("/is_anonymous", true), Anonymous);
    assert_kind(&supabase().set("/role", "anon"), Anonymous);
    assert_kind(&supabase().set("/role", "service_role"), Service);
    assert_kind(&supabase().without("/is_anonymous"), Human);
}
