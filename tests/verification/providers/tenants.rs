//! Tenants named by the token and checked against a list.

use serde_json::{Value, json};
use tower_jit_provisioning::TokenFault;

use super::fixture::Provider;

const TENANTS: [(&str, &str); 9] = [
    ("auth0", "/org_id"),
    ("clerk", "/o/id"),
    ("entra_v2", "/tid"),
    ("firebase", "/firebase/tenant"),
    ("github_actions", "/repository_owner_id"),
    ("gitlab_ci", "/namespace_id"),
    ("google", "/hd"),
    ("kubernetes", "/kubernetes.io/namespace"),
    ("zitadel", "/urn:zitadel:iam:user:resourceowner:id"),
];

#[test]
fn a_tenant_that_is_not_listed_is_refused() {
    for (name, pointer) in TENANTS {
        let provider = Provider::new(name).set(pointer, "Acme");
        let allow = |tenant: &'static str| {
            provider.verify_with(|trusted| trusted.with_tenants_from_claim([tenant]))
        };
        assert_eq!(allow("Acme").unwrap().tenant(), "Acme", "{name}");
        for other in ["acme", "Acme ", "Acm", "other"] {
            let fault = provider.fault_with(|trusted| trusted.with_tenants_from_claim([other]));
            assert_eq!(fault, TokenFault::Tenant, "{name} {other}");
        }
    }
}

#[test]
fn a_token_that_names_no_tenant_is_refused() {
    for (name, pointer) in TENANTS {
        // Here the tenant is part of the subject, and a missing subject is reported first.
        let expected = match name {
            "entra_v2" | "github_actions" | "gitlab_ci" => TokenFault::Subject,
            _ => TokenFault::Tenant,
        };
        for value in [Value::Null, json!(""), json!(5), json!(["acme"])] {
            let fault = Provider::new(name)
                .set(pointer, value.clone())
                .fault_with(|trusted| trusted.with_tenants_from_claim(["acme"]));
            assert_eq!(fault, expected, "{name} {value}");
        }
        let fault = Provider::new(name)
            .without(pointer)
            .fault_with(|trusted| trusted.with_tenants_from_claim(["acme"]));
        assert_eq!(fault, expected, "{name}");
    }
}

#[test]
fn the_tenant_claim_is_ignored_without_a_list() {
    for (name, pointer) in TENANTS {
        let identity = Provider::new(name).set(pointer, "acme").verify().unwrap();
        assert_eq!(identity.tenant(), "", "{name}");
        let fixed = Provider::new(name)
            .set(pointer, "acme")
            .verify_with(|trusted| trusted.with_tenant("blue"));
        assert_eq!(fixed.unwrap().tenant(), "blue", "{name}");
    }
}

#[test]
fn one_subject_in_two_tenants_is_two_users() {
    let key = |organisation: &str| {
        Provider::new("auth0")
            .set("/org_id", organisation)
            .verify_with(|trusted| trusted.with_tenants_from_claim(["org_1", "org_2"]))
            .unwrap()
            .key()
    };
    assert_eq!(key("org_1"), key("org_1"));
    assert_ne!(key("org_1"), key("org_2"));
}

#[test]
fn an_invalid_tenant_list_is_a_fault() {
    let faults = |name: &str, allowed: &[&str]| {
        Provider::new(name)
            .build_faults(|trusted| trusted.with_tenants_from_claim(allowed.iter().copied()))
    };
    assert_eq!(faults("auth0", &[]), ["no_tenants"]);
    assert_eq!(faults("auth0", &["org_1", ""]), ["invalid_tenant"]);
    assert_eq!(faults("auth0", &["a\u{7}"]), ["invalid_tenant"]);
    assert_eq!(faults("auth0", &[&"x".repeat(65)]), ["invalid_tenant"]);
    assert!(faults("auth0", &[&"x".repeat(64)]).is_empty());
    assert_eq!(faults("keycloak", &["acme"]), ["no_tenant_claim"]);
}

#[test]
fn the_tenant_claim_can_be_configured_for_a_map_without_one() {
    let provider = || Provider::new("keycloak").set("/company", "acme");
    let identity = provider()
        .map(|map| map.with_tenant_claim("/company"))
        .verify_with(|trusted| trusted.with_tenants_from_claim(["acme"]))
        .unwrap();
    assert_eq!(identity.tenant(), "acme");
    let broken = provider().map(|map| map.with_tenant_claim("company"));
    assert_eq!(broken.build_faults(|trusted| trusted), ["invalid_pointer"]);
}
