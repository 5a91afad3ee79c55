//! Tokens are rejected if the provider's subject claim is missing: no other claim replaces it.

use serde_json::{Value, json};
use tower_jit_provisioning::TokenFault;

use super::fixture::Provider;

/// The claims each preset reads the subject from.
const SUBJECTS: [(&str, &[&str]); 18] = [
    ("auth0", &["/sub"]),
    ("authentik", &["/sub"]),
    ("clerk", &["/sub"]),
    ("cognito", &["/sub"]),
    ("dex", &["/sub"]),
    ("entra_v1", &["/tid", "/oid"]),
    ("entra_v2", &["/tid", "/oid"]),
    ("firebase", &["/sub"]),
    (
        "github_actions",
        &["/repository_owner_id", "/repository_id"],
    ),
    ("gitlab", &["/sub"]),
    ("gitlab_ci", &["/namespace_id", "/project_id"]),
    ("google", &["/sub"]),
    ("hydra", &["/sub"]),
    ("keycloak", &["/sub"]),
    ("kubernetes", &["/kubernetes.io/serviceaccount/uid"]),
    ("okta", &["/uid"]),
    ("supabase", &["/sub"]),
    ("zitadel", &["/sub"]),
];

#[test]
fn a_token_without_a_subject_is_rejected() {
    for (name, pointers) in SUBJECTS {
        for pointer in pointers {
            let fault = Provider::new(name).without(pointer).fault();
            assert_eq!(fault, TokenFault::Subject, "{name} {pointer}");
        }
    }
}

#[test]
fn a_subject_of_another_json_type_is_rejected() {
    for (name, pointers) in SUBJECTS {
        for pointer in pointers {
            for value in [json!(""), Value::Null, json!(74), json!(["a"]), json!({})] {
                let fault = Provider::new(name).set(pointer, value.clone()).fault();
                assert_eq!(fault, TokenFault::Subject, "{name} {pointer} {value}");
            }
        }
    }
}

#[test]
fn claims_other_than_the_subject_may_hold_any_value() {
    for (name, pointer) in [
        ("entra_v1", "/sub"),
        ("entra_v2", "/sub"),
        ("github_actions", "/sub"),
        ("gitlab_ci", "/sub"),
        ("kubernetes", "/sub"),
        ("okta", "/sub"),
    ] {
        let original = Provider::new(name).verify().unwrap();
        let changed = Provider::new(name).set(pointer, "other").verify().unwrap();
        assert_eq!(original.key(), changed.key(), "{name}");
        let absent = Provider::new(name).without(pointer).verify().unwrap();
        assert_eq!(original.key(), absent.key(), "{name}");
    }
}

#[test]
fn a_lightweight_keycloak_token_without_sub_is_refused() {
    let lightweight = Provider::new("keycloak")
        .without("/sub")
        .without("/name")
        .without("/preferred_username");
    assert_eq!(lightweight.fault(), TokenFault::Subject);
}

#[test]
fn an_okta_login_that_resembles_a_client_is_not_a_client() {
    let provider = Provider::new("okta").without("/uid");
    assert_eq!(provider.fault(), TokenFault::Subject);
    let empty = Provider::new("okta")
        .set("/uid", "")
        .set("/sub", "0oa9z8y7");
    assert_eq!(empty.fault(), TokenFault::Subject);
}

#[test]
fn the_parts_of_a_joined_subject_stay_separate() {
    for (owner, repository) in [("65/7", "4"), ("6", "5/74"), ("65", "/74"), ("65/", "74")] {
        let provider = Provider::new("github_actions")
            .set("/repository_owner_id", owner)
            .set("/repository_id", repository);
        assert_eq!(
            provider.fault(),
            TokenFault::Subject,
            "{owner} {repository}"
        );
    }
}

#[test]
fn a_joined_subject_has_at_most_255_bytes() {
    let oid = |length: usize| Provider::new("entra_v2").set("/oid", "x".repeat(length));
    assert_eq!(oid(255 - 37).verify().unwrap().subject().len(), 255);
    assert_eq!(oid(255 - 36).fault(), TokenFault::Subject);
}
