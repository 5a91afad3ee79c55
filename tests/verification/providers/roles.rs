//! Role claims that are present, absent, or known to be incomplete.

use serde_json::{Value, json};
use tower_jit_provisioning::RoleClaim;

use super::fixture::{Provider, present};

#[track_caller]
fn assert_roles(provider: &Provider, expected: &RoleClaim) {
    assert_eq!(provider.verify().unwrap().roles(), expected, "{provider:?}");
}

#[test]
fn a_token_without_a_role_claim_leaves_roles_unknown() {
    for (name, pointer) in [
        ("auth0", "/permissions"),
        ("authentik", "/groups"),
        ("clerk", "/o"),
        ("dex", "/groups"),
        ("firebase", "/role"),
        ("gitlab", "/groups_direct"),
        ("hydra", "/ext/roles"),
        ("keycloak", "/realm_access"),
        ("okta", "/groups"),
        ("supabase", "/app_metadata/roles"),
        ("zitadel", "/urn:zitadel:iam:org:project:roles"),
    ] {
        assert_roles(&Provider::new(name).without(pointer), &RoleClaim::Absent);
        let null = Provider::new(name).set(pointer, Value::Null);
        assert_roles(&null, &RoleClaim::Absent);
    }
    for name in ["github_actions", "gitlab_ci", "google", "kubernetes"] {
        assert_roles(&Provider::new(name), &RoleClaim::Absent);
    }
}

#[test]
fn an_absent_role_claim_is_empty_for_providers_that_omit_empty_lists() {
    for (name, pointer) in [("cognito", "/cognito:groups"), ("entra_v1", "/roles")] {
        assert_roles(&Provider::new(name).without(pointer), &present(&[]));
        assert_roles(
            &Provider::new(name).set(pointer, Value::Null),
            &present(&[]),
        );
    }
}

#[test]
fn omitted_entra_groups_truncate_the_roles_only_if_groups_are_read() {
    let markers = [
        ("/_claim_names", json!({"groups": "src1"})),
        ("/hasgroups", json!(true)),
    ];
    for (marker, value) in markers {
        let provider = || Provider::new("entra_v1").set(marker, value.clone());
        assert_roles(&provider(), &present(&["Editor"]));
        let with_groups = provider().map(|map| map.add_roles("/groups"));
        assert_roles(&with_groups, &RoleClaim::Truncated);
    }
    let other = Provider::new("entra_v1")
        .map(|map| map.add_roles("/groups"))
        .set("/_claim_names", json!({"other": "src1"}));
    assert_roles(&other, &present(&["Editor"]));
}

#[test]
fn entra_groups_join_the_app_roles() {
    let group = "cccccccc-0000-1111-2222-dddddddddddd";
    let provider = Provider::new("entra_v1")
        .map(|map| map.add_roles("/groups"))
        .set("/groups", vec![group]);
    assert_roles(&provider, &present(&["Editor", group]));
    let null = Provider::new("entra_v1")
        .map(|map| map.add_roles("/groups"))
        .set("/groups", Value::Null);
    assert_roles(&null, &present(&["Editor"]));
}

#[test]
fn the_database_role_of_supabase_is_not_a_user_role() {
    let provider = Provider::new("supabase")
        .set("/role", "service_role")
        .set("/user_metadata/roles", vec!["admin"]);
    assert_roles(&provider, &present(&["editor"]));
}

#[test]
fn hydra_roles_may_be_top_level_claims() {
    let provider = Provider::new("hydra")
        .without("/ext")
        .set("/roles", vec!["editor"]);
    assert_roles(&provider, &present(&["editor"]));
}

#[test]
fn zitadel_roles_of_other_projects_are_not_read() {
    let provider = Provider::new("zitadel")
        .without("/urn:zitadel:iam:org:project:roles")
        .set(
            "/urn:zitadel:iam:org:project:1:roles",
            json!({"admin": {"201982826478950000": "acme.zitadel.cloud"}}),
        );
    assert_roles(&provider, &RoleClaim::Absent);
}
