//! The payload of each provider of people, and the identity mapped from it.

use tower_jit_provisioning::{ClaimMap, RoleClaim};

use super::fixture::{Mapped, Provider, assert_maps, human, list, present, some};

#[test]
fn every_preset_by_name_has_a_fixture() {
    for name in ClaimMap::names().filter(|name| *name != "oidc") {
        Provider::new(name).verify().unwrap();
    }
}

#[test]
fn keycloak() {
    let expected = || Mapped {
        email: some("ana@ex.org"),
        vouched: some("ana@ex.org"),
        full_name: some("Ana Diaz"),
        username: some("ana"),
        roles: present(&["editor"]),
        scopes: list(&["openid", "email", "profile"]),
        client_id: some("web"),
        ..human(
            "https://sso.ex.org/realms/acme",
            "8d3c2b7e-0d4b-4f0e-9a0b-0c7f3a1d2e11",
        )
    };
    assert_maps(&Provider::new("keycloak"), expected());
    let with_client_roles =
        Provider::new("keycloak").map(|map| map.add_roles("/resource_access/orders-api/roles"));
    assert_maps(
        &with_client_roles,
        Mapped {
            roles: present(&["editor", "orders:write"]),
            ..expected()
        },
    );
}

#[test]
fn auth0() {
    let expected = || Mapped {
        roles: present(&["read:orders"]),
        scopes: list(&["openid", "profile", "read:orders"]),
        client_id: some("K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja"),
        tenant: "org_9aBcD".to_owned(),
        ..human(
            "https://acme.eu.auth0.com/",
            "auth0|65f0c0ffee65f0c0ffee0001",
        )
    };
    assert_maps(&Provider::new("auth0"), expected());
    let namespaced =
        Provider::new("auth0").map(|_| ClaimMap::auth0_with_namespace("https://ex.org/"));
    assert_maps(
        &namespaced,
        Mapped {
            email: some("ana@ex.org"),
            ..expected()
        },
    );
    let complete = namespaced
        .set("/https:~1~1ex.org~1email_verified", true)
        .set("/https:~1~1ex.org~1name", "Ana Diaz")
        .set("/https:~1~1ex.org~1roles", vec!["editor"]);
    assert_maps(
        &complete,
        Mapped {
            email: some("ana@ex.org"),
            vouched: some("ana@ex.org"),
            full_name: some("Ana Diaz"),
            roles: present(&["editor", "read:orders"]),
            ..expected()
        },
    );
}

#[test]
fn okta() {
    assert_maps(
        &Provider::new("okta"),
        Mapped {
            roles: present(&["Everyone", "editors"]),
            scopes: list(&["openid", "profile"]),
            client_id: some("0oa9z8y7"),
            ..human(
                "https://acme.okta.com/oauth2/default",
                "00u1a2b3c4D5e6F7g8h9",
            )
        },
    );
}

#[test]
fn entra_v1() {
    assert_maps(
        &Provider::new("entra_v1"),
        Mapped {
            full_name: some("Ana Diaz"),
            username: some("ana@ex.org"),
            roles: present(&["Editor"]),
            scopes: list(&["Orders.Read"]),
            client_id: some("9f2e0000-0000-0000-0000-000000000002"),
            tenant: "11111111-2222-3333-4444-555555555555".to_owned(),
            ..human(
                "https://sts.windows.net/11111111-2222-3333-4444-555555555555/",
                "11111111-2222-3333-4444-555555555555/aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
            )
        },
    );
}

#[test]
fn entra_v2() {
    let expected = || Mapped {
        full_name: some("Ana Diaz"),
        username: some("ana@ex.org"),
        roles: present(&[]),
        scopes: list(&["Orders.Read"]),
        client_id: some("9f2e0000-0000-0000-0000-000000000002"),
        tenant: "11111111-2222-3333-4444-555555555555".to_owned(),
        ..human(
            "https://login.microsoftonline.com/11111111-2222-3333-4444-555555555555/v2.0",
            "11111111-2222-3333-4444-555555555555/aaaaaaaa-0000-1111-2222-bbbbbbbbbbbb",
        )
    };
    assert_maps(&Provider::new("entra_v2"), expected());
    let with_groups = Provider::new("entra_v2").map(|map| map.add_roles("/groups"));
    assert_maps(
        &with_groups,
        Mapped {
            roles: RoleClaim::Truncated,
            ..expected()
        },
    );
}

#[test]
fn google() {
    assert_maps(
        &Provider::new("google"),
        Mapped {
            email: some("ana@ex.org"),
            vouched: some("ana@ex.org"),
            full_name: some("Ana Diaz"),
            client_id: some("123.apps.googleusercontent.com"),
            tenant: "ex.org".to_owned(),
            ..human("https://accounts.google.com", "110169484474386276334")
        },
    );
}

#[test]
fn cognito() {
    assert_maps(
        &Provider::new("cognito"),
        Mapped {
            username: some("ana"),
            roles: present(&["editors"]),
            scopes: list(&["openid", "email"]),
            client_id: some("4f9example"),
            ..human(
                "https://cognito-idp.eu-west-1.amazonaws.com/eu-west-1_Ab12",
                "aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee",
            )
        },
    );
}

#[test]
fn zitadel() {
    let expected = || Mapped {
        roles: present(&["editor"]),
        client_id: some("201@orders"),
        tenant: "201982826478950000".to_owned(),
        ..human("https://acme.zitadel.cloud", "201982826478953724")
    };
    assert_maps(&Provider::new("zitadel"), expected());
    let project = Provider::new("zitadel")
        .map(|_| ClaimMap::zitadel_with_project("198000000000000001"))
        .set(
            "/urn:zitadel:iam:org:project:198000000000000001:roles",
            serde_json::json!({"viewer": {"201982826478950000": "acme.zitadel.cloud"}}),
        );
    assert_maps(
        &project,
        Mapped {
            roles: present(&["viewer"]),
            ..expected()
        },
    );
}

#[test]
fn authentik() {
    assert_maps(
        &Provider::new("authentik"),
        Mapped {
            email: some("ana@ex.org"),
            full_name: some("Ana Diaz"),
            username: some("ana"),
            roles: present(&["editors"]),
            client_id: some("orders"),
            ..human(
                "https://id.ex.org/application/o/orders/",
                "3f1c9a0b77d2e4815c6f0a3b9d8e7c6514f2a1b0c9d8e7f60514233241506978",
            )
        },
    );
}

#[test]
fn hydra() {
    assert_maps(
        &Provider::new("hydra"),
        Mapped {
            email: some("ana@ex.org"),
            roles: present(&["editor"]),
            scopes: list(&["openid", "orders.read"]),
            client_id: some("web"),
            ..human("https://hydra.ex.org/", "user-42")
        },
    );
}

#[test]
fn dex() {
    assert_maps(
        &Provider::new("dex"),
        Mapped {
            email: some("jane@ex.org"),
            vouched: some("jane@ex.org"),
            full_name: some("Jane Doe"),
            roles: present(&["admins"]),
            ..human("https://dex.ex.org", "CgcyMzQyNzQ5EgZnaXRodWI")
        },
    );
}

#[test]
fn gitlab() {
    assert_maps(
        &Provider::new("gitlab"),
        Mapped {
            email: some("ana@ex.org"),
            vouched: some("ana@ex.org"),
            full_name: some("Ana Diaz"),
            username: some("ana"),
            roles: present(&["acme", "acme/editors"]),
            ..human("https://gitlab.com", "1")
        },
    );
}

#[test]
fn firebase() {
    assert_maps(
        &Provider::new("firebase"),
        Mapped {
            email: some("ana@ex.org"),
            vouched: some("ana@ex.org"),
            roles: present(&["editor"]),
            tenant: "acme-x".to_owned(),
            ..human("https://securetoken.google.com/shop-1", "Zx1")
        },
    );
}

#[test]
fn supabase() {
    assert_maps(
        &Provider::new("supabase"),
        Mapped {
            email: some("ana@ex.org"),
            full_name: some("Ana"),
            roles: present(&["editor"]),
            ..human(
                "https://abc.supabase.co/auth/v1",
                "123e4567-e89b-12d3-a456-426614174000",
            )
        },
    );
}

#[test]
fn clerk() {
    assert_maps(
        &Provider::new("clerk"),
        Mapped {
            roles: present(&["admin"]),
            client_id: some("https://app.ex.org"),
            tenant: "org_1".to_owned(),
            ..human("https://clerk.ex.org", "user_2abc")
        },
    );
}
