//! Verifiers configured by TOML, JSON and environment variables.

use std::collections::HashMap;

use config::{Config, Environment, File, FileFormat};
use serde_json::json;
use tower_jit_provisioning::{
    BuildError, JwtVerifier, MemoryProvisioner, Provisioner, RoleClaim, VerifierConfig,
    testing::TestIssuer,
};

fn from_toml(text: &str) -> VerifierConfig {
    let source = File::from_str(text, FileFormat::Toml);
    let config = Config::builder().add_source(source).build().unwrap();
    config.try_deserialize().unwrap()
}

fn codes(error: &BuildError) -> Vec<(&str, &str)> {
    let faults = error.faults().iter();
    faults
        .map(|fault| (fault.issuer(), fault.kind().as_str()))
        .collect()
}

#[tokio::test]
async fn every_key_of_a_configuration_file_takes_effect() {
    let issuer = TestIssuer::new("https://id.example.com/realms/staff");
    let config = from_toml(&format!(
        r#"
        cache_capacity = 1048576

        [issuers.staff]
        issuer = "https://id.example.com/realms/staff"
        aliases = ["https://login.example.com/realms/staff"]
        audience = ["orders", "billing"]
        jwks = '{jwks}'
        algorithms = ["ES256"]
        token_types = ["JWT"]
        leeway_seconds = 10
        max_age_seconds = 600
        required_scopes = ["orders:read"]
        required_claims = {{ "/acr" = "mfa" }}
        tenant = "acme"
        preset = "keycloak"
        role_claims = "/groups"
        sign_up = "closed"
        linking = "verified_email"
        trusted_email_sources = ["import"]
        allow_services = true
        refresh_seconds = 60
        cool_down_seconds = 10
        max_stale_seconds = 3600
        fetch_timeout_seconds = 2
        fetch_wait_seconds = 1
        fetch_max_bytes = 65536
        fetch_max_keys = 16

        [issuers.staff.roles]
        orders-admin = "admin"
        "#,
        jwks = issuer.jwks()
    ));
    let verifier = JwtVerifier::from_config(config).unwrap();
    let good = issuer
        .token("ana")
        .audience("billing")
        .claim("scope", "orders:read")
        .claim("acr", "mfa")
        .claim("groups", json!(["orders-admin", "unmapped"]));
    let identity = verifier.verify(&good.sign()).await.unwrap();
    assert_eq!((identity.tenant(), identity.subject()), ("acme", "ana"));
    assert_eq!(
        identity.roles(),
        &RoleClaim::Present(vec!["admin".to_owned()])
    );
    let alias = good
        .clone()
        .claim("iss", "https://login.example.com/realms/staff");
    let same = verifier.verify(&alias.sign()).await.unwrap();
    assert_eq!(same.key(), identity.key());
    for (token, reason) in [
        (good.clone().without_claim("scope"), "insufficient_scope"),
        (good.clone().claim("acr", "pwd"), "required_claim"),
        (good.clone().header("typ", "at+jwt"), "token_type"),
        (good.clone().audience("other"), "audience"),
        (
            good.clone().expired_for(std::time::Duration::from_secs(20)),
            "expired",
        ),
        (good.clone().claim("iat", 1), "too_old"),
    ] {
        let error = verifier.verify(&token.sign()).await.unwrap_err();
        assert_eq!(error.reason(), reason);
    }
}

#[tokio::test]
async fn environment_variables_hold_numbers_booleans_and_lists_as_text() {
    let variables = HashMap::from([
        ("APP__ISSUERS__STAFF__ISSUER", "urn:example:staff"),
        ("APP__ISSUERS__STAFF__AUDIENCE", "orders"),
        (
            "APP__ISSUERS__STAFF__HMAC_SECRET",
            "0123456789abcdef0123456789abcdef",
        ),
        ("APP__ISSUERS__STAFF__LEEWAY_SECONDS", "30"),
        ("APP__ISSUERS__STAFF__ALLOW_ID_TOKENS", "true"),
        ("APP__ISSUERS__STAFF__PRESET", "oidc"),
        ("APP__CACHE_CAPACITY", "0"),
    ]);
    let variables = variables
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let source = Environment::with_prefix("APP")
        .prefix_separator("__")
        .separator("__")
        .source(Some(variables.collect()));
    let config = Config::builder().add_source(source).build().unwrap();
    let config: VerifierConfig = config.try_deserialize().unwrap();
    assert!(
        !format!("{config:?}").contains("0123456789abcdef"),
        "secrets are not shown"
    );
    let verifier = JwtVerifier::from_config(config).unwrap();

    use tower_jit_provisioning::{Algorithm, testing::SigningKey};
    let key = SigningKey::hmac("k", Algorithm::Hs256, b"0123456789abcdef0123456789abcdef");
    let issuer = TestIssuer::with_key("urn:example:staff", key);
    let token = issuer
        .token("ana")
        .audience("orders")
        .claim("at_hash", "x")
        .sign();
    assert_eq!(verifier.verify(&token).await.unwrap().subject(), "ana");
    assert!(
        verifier.cached(&token).is_none(),
        "a capacity of 0 keeps nothing"
    );
}

#[cfg(feature = "jwks")]
#[test]
fn every_fault_is_reported_under_the_issuer_name_of_the_configuration() {
    let config: VerifierConfig = serde_json::from_value(json!({
        "cache_capacity": "much",
        "issuers": {
            "a": {
                "issuer": "https://a.example.com",
                "jwks": "{}",
                "pem": "x",
                "audience": "orders",
                "client_ids": ["web"],
                "tenant": "x",
                "tenants": ["y"],
            },
            "b": {
                "issuer": "http://b.example.com",
                "jwks": "{}",
                "preset": "keykloak",
                "algorithms": ["none", "ES256"],
                "sign_up": "maybe",
                "linking": "always",
                "leeway_seconds": "ten",
                "allow_services": "perhaps",
            },
            "c": {
                "issuer": "https://a.example.com",
                "audience": "orders",
                "jwks_url": "http://c.example.com/jwks",
                "preset": "supabase",
                "linking": "verified_email",
            },
        }
    }))
    .unwrap();
    let error = JwtVerifier::from_config(config).unwrap_err();
    assert_eq!(
        codes(&error),
        [
            ("", "unknown_value"),
            ("a", "ambiguous"),
            ("a", "ambiguous"),
            ("a", "ambiguous"),
            ("b", "unknown_value"),
            ("b", "unknown_preset"),
            ("b", "unknown_value"),
            ("b", "unknown_value"),
            ("b", "unknown_value"),
            ("b", "unknown_algorithm"),
            ("a", "no_keys"),
            ("b", "insecure_issuer"),
            ("b", "no_audience"),
            ("b", "no_keys"),
            ("c", "insecure_key_url"),
            ("c", "linking_without_voucher"),
            ("c", "duplicate_issuer"),
        ],
        "{error}"
    );
}

#[test]
fn an_unknown_key_is_refused_rather_than_ignored() {
    let misspelt = json!({"issuers": {"a": {"issuer": "https://a.example.com", "audiense": "x"}}});
    let error = serde_json::from_value::<VerifierConfig>(misspelt).unwrap_err();
    assert!(error.to_string().contains("audiense"), "{error}");
}

#[tokio::test]
async fn a_configuration_can_be_reloaded() {
    let issuer = TestIssuer::new("https://id.example.com");
    let config = |audience: &str| {
        from_toml(&format!(
            "[issuers.a]\nissuer = '{}'\naudience = '{audience}'\njwks = '{}'\n",
            issuer.name(),
            issuer.jwks()
        ))
    };
    let verifier = JwtVerifier::from_config(config("orders")).unwrap();
    let token = issuer.token("ana").audience("orders").sign();
    verifier.verify(&token).await.unwrap();
    verifier.reload_config(config("billing")).unwrap();
    assert_eq!(
        verifier.verify(&token).await.unwrap_err().reason(),
        "audience"
    );
    assert!(verifier.reload_config(from_toml("[issuers]")).is_err());
    let billing = issuer.token("ana").audience("billing").sign();
    verifier.verify(&billing).await.unwrap();
}

/// Runs the sign-up policy of a configuration for a new user with this address and these roles.
async fn newcomer(keys: &str, email: Option<&str>, roles: &[&str]) -> Result<(), &'static str> {
    let issuer = TestIssuer::new("https://id.example.com");
    let config = from_toml(&format!(
        r#"
        [issuers.staff]
        issuer = "https://id.example.com"
        audience = "orders"
        jwks = '{jwks}'
        role_claims = "/roles"
        {keys}

        [issuers.staff.roles]
        editor = "editor"
        "#,
        jwks = issuer.jwks()
    ));
    let verifier = JwtVerifier::from_config(config).unwrap();
    let token = issuer
        .token("ana")
        .audience("orders")
        .claim("roles", roles.to_vec());
    let token = match email {
        None => token,
        Some(address) => token.email(address, true),
    };
    let identity = verifier.verify(&token.sign()).await.unwrap();
    let provisioned = MemoryProvisioner::new().provision(&identity).await;
    provisioned.map(drop).map_err(|error| error.reason())
}

#[tokio::test]
async fn every_key_of_a_policy_takes_effect() {
    let new_user = |keys| newcomer(keys, None, &[]);
    assert_eq!(new_user("").await, Ok(()));
    assert_eq!(
        new_user("sign_up = \"closed\"").await,
        Err("sign_up_closed")
    );
    assert_eq!(
        new_user("sign_up = \"pending_approval\"").await,
        Err("pending_approval")
    );
    assert_eq!(new_user("max_users = 0").await, Err("sign_up_closed"));
    assert_eq!(
        new_user("max_sign_ups_per_minute = 0").await,
        Err("sign_up_closed")
    );

    let domains = "sign_up_email_domains = [\"example.com\"]";
    assert_eq!(new_user(domains).await, Err("rule_failed"));
    assert_eq!(
        newcomer(domains, Some("ana@example.com"), &[]).await,
        Ok(())
    );

    for (keys, refusal) in [
        ("require_role = true", "no_role"),
        ("access_roles = [\"editor\", \"owner\"]", "rule_failed"),
    ] {
        assert_eq!(newcomer(keys, None, &["stranger"]).await, Err(refusal));
        assert_eq!(newcomer(keys, None, &["editor"]).await, Ok(()));
    }
}

#[test]
fn contradictory_policies_are_reported() {
    let issuer = TestIssuer::new("https://id.example.com");
    for keys in [
        "sign_up = \"maybe\"",
        "sign_up = \"open\"\nsign_up_email_domains = \"example.com\"",
        "sync = { email = \"sometimes\" }",
        "sync = { password = \"always\" }",
        "max_users = \"many\"",
        "require_role = \"perhaps\"",
    ] {
        let config = from_toml(&format!(
            "[issuers.staff]\nissuer = \"https://id.example.com\"\naudience = \"orders\"\n\
             jwks = '{}'\n{keys}",
            issuer.jwks()
        ));
        let refused = JwtVerifier::from_config(config).unwrap_err();
        assert_eq!(codes(&refused), [("staff", "unknown_value")], "{keys}");
    }
}
