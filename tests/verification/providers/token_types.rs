//! Other JWTs of the issuers, signed by the same keys.

use serde_json::{Value, json};
use tower_jit_provisioning::TokenFault;

use super::fixture::Provider;

#[test]
fn a_cognito_token_must_be_marked_as_an_access_token() {
    let provider = || Provider::new("cognito");
    for value in [
        json!("id"),
        json!("refresh"),
        json!("Access"),
        json!(1),
        Value::Null,
    ] {
        let fault = provider().set("/token_use", value.clone()).fault();
        assert_eq!(fault, TokenFault::TokenType, "{value}");
    }
    assert_eq!(
        provider().without("/token_use").fault(),
        TokenFault::TokenType
    );
}

#[test]
fn a_cognito_id_token_is_refused_even_with_the_access_tokens_client() {
    let provider = Provider::new("cognito")
        .set("/token_use", "id")
        .set("/email", "ana@ex.org");
    assert_eq!(provider.fault(), TokenFault::TokenType);
    assert!(
        provider
            .verify_with(|trusted| trusted.allow_id_tokens())
            .is_ok()
    );
    let neither = Provider::new("cognito").set("/token_use", "custom");
    let fault = neither.fault_with(|trusted| trusted.allow_id_tokens());
    assert_eq!(fault, TokenFault::TokenType);
}

#[test]
fn keycloak_tokens_other_than_bearer_tokens_are_refused() {
    for typ in [
        "ID",
        "Refresh",
        "Offline",
        "Logout",
        "Registration-access-token",
        "Serialized-ID",
        "DPoP",
        "",
    ] {
        let fault = Provider::new("keycloak").set("/typ", typ).fault();
        assert_eq!(fault, TokenFault::TokenType, "{typ}");
    }
    let number = Provider::new("keycloak").set("/typ", 1).fault();
    assert_eq!(number, TokenFault::TokenType);
    assert!(Provider::new("keycloak").without("/typ").verify().is_ok());
    let id = Provider::new("keycloak").set("/typ", "ID");
    assert!(id.verify_with(|trusted| trusted.allow_id_tokens()).is_ok());
    let refresh = Provider::new("keycloak").set("/typ", "Refresh");
    let fault = refresh.fault_with(|trusted| trusted.allow_id_tokens());
    assert_eq!(fault, TokenFault::TokenType);
}

#[test]
fn an_entra_token_without_a_client_is_an_id_token() {
    for (name, client) in [("entra_v1", "/appid"), ("entra_v2", "/azp")] {
        let id_token = Provider::new(name).without(client).without("/scp");
        assert_eq!(id_token.fault(), TokenFault::TokenType, "{name}");
    }
}

#[test]
fn a_google_id_token_with_a_hash_is_accepted_only_if_configured() {
    let provider = Provider::new("google").set("/at_hash", "HK6E_P6Dh8Y93mRNtsDB1Q");
    assert_eq!(provider.fault(), TokenFault::TokenType);
    assert!(
        provider
            .verify_with(|trusted| trusted.allow_id_tokens())
            .is_ok()
    );
}

#[test]
fn a_ci_job_cannot_sign_in_to_gitlab() {
    // The job chose the login client as its audience.
    let job = Provider::new("gitlab_ci").map(|_| tower_jit_provisioning::ClaimMap::gitlab());
    assert_eq!(job.fault(), TokenFault::TokenType);
    let person = Provider::new("gitlab").map(|_| tower_jit_provisioning::ClaimMap::gitlab_ci());
    assert_eq!(person.fault(), TokenFault::Subject);
}

#[test]
fn a_legacy_kubernetes_token_without_expiry_is_refused() {
    let provider = Provider::new("kubernetes").without("/exp");
    assert_eq!(provider.fault(), TokenFault::ExpiryMissing);
}
