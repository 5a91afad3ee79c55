//! Faults of a configuration.

use std::time::Duration;

use tower_jit_provisioning::{
    Algorithm, Audience, ClaimMap, IssuerPolicy, JwtVerifier, KeySource, Linking, TrustedIssuer,
};

use super::lab::{AUDIENCE, ISSUER, Lab};

/// Every fault of a configuration, with its code.
#[test]
fn each_fault_of_a_configuration_has_its_code() {
    let lab = Lab::new();
    let jwks = || KeySource::jwks(lab.issuer.jwks().to_string());
    let trusted = || lab.issuer.trusted(AUDIENCE);
    let named = |issuer: &str| TrustedIssuer::new(issuer, AUDIENCE, jwks());
    let secret = |length: usize| {
        TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(vec![7; length]))
    };
    let keys = |keys: KeySource| TrustedIssuer::new(ISSUER, AUDIENCE, keys);
    let table: Vec<(&str, Vec<TrustedIssuer>)> = vec![
        ("no_issuers", vec![]),
        ("duplicate_issuer", vec![trusted(), trusted()]),
        ("duplicate_issuer", vec![trusted().add_alias(ISSUER)]),
        (
            "duplicate_issuer",
            vec![trusted(), named("https://b.example").add_alias(ISSUER)],
        ),
        (
            "excessive_leeway",
            vec![trusted().with_leeway(Duration::from_secs(601))],
        ),
        (
            "hmac_with_public_keys",
            vec![trusted().with_algorithms([Algorithm::Hs256])],
        ),
        (
            "hmac_with_public_keys",
            vec![trusted().with_algorithms([Algorithm::Es256, Algorithm::Hs512])],
        ),
        (
            "public_keys_with_hmac",
            vec![secret(64).with_algorithms([Algorithm::Es256])],
        ),
        ("insecure_issuer", vec![named("http://id.example.com")]),
        (
            "insecure_issuer",
            vec![named("http://localhost.evil.example")],
        ),
        (
            "insecure_issuer",
            vec![named("http://127.0.0.1.evil.example")],
        ),
        (
            "insecure_issuer",
            vec![named("http://localhost@evil.example")],
        ),
        (
            "insecure_issuer",
            vec![trusted().add_alias("http://id.example.com")],
        ),
        ("invalid_issuer", vec![named("")]),
        ("invalid_issuer", vec![named("https://id.example.com\n")]),
        ("invalid_issuer", vec![trusted().add_alias("")]),
        (
            "invalid_pointer",
            vec![trusted().require_claim("org", "acme")],
        ),
        (
            "invalid_pointer",
            vec![trusted().with_claims(ClaimMap::oidc().with_subject("sub"))],
        ),
        (
            "invalid_pointer",
            vec![trusted().with_claims(ClaimMap::oidc().add_roles("/a~2"))],
        ),
        (
            "linking_without_voucher",
            vec![
                trusted()
                    .with_claims(ClaimMap::oidc().without_email())
                    .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail)),
            ],
        ),
        ("no_algorithms", vec![trusted().with_algorithms([])]),
        ("no_audience", vec![lab.issuer.trusted("")]),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::Claim(vec![]))],
        ),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::ClientId(vec![]))],
        ),
        (
            "no_audience",
            vec![lab.issuer.trusted(Audience::AuthorizedParty(vec![]))],
        ),
        ("no_keys", vec![keys(KeySource::jwks(""))]),
        ("no_keys", vec![keys(KeySource::jwks("{}"))]),
        ("no_keys", vec![keys(KeySource::jwks(r#"{"keys":[]}"#))]),
        (
            "no_keys",
            vec![keys(KeySource::jwks(
                r#"{"keys":[{"kty":"oct","k":"AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"}]}"#,
            ))],
        ),
        ("no_keys", vec![keys(KeySource::pem(""))]),
        (
            "no_keys",
            vec![keys(KeySource::pem("-----BEGIN PUBLIC KEY-----"))],
        ),
        ("weak_secret", vec![secret(31)]),
        ("weak_secret", vec![secret(0)]),
        (
            "weak_secret",
            vec![secret(63).with_algorithms([Algorithm::Hs512])],
        ),
    ];
    for (code, issuers) in table {
        let debug = format!("{issuers:?}");
        let Err(error) = JwtVerifier::new(issuers) else {
            panic!("{code} built: {debug}");
        };
        let codes: Vec<_> = error
            .faults()
            .iter()
            .map(|fault| fault.kind().as_str())
            .collect();
        assert_eq!(codes, [code], "{debug}");
        assert!(error.to_string().contains(code), "{error}");
        assert!(!error.faults()[0].detail().is_empty(), "{code}");
    }
}

#[test]
fn all_faults_of_a_configuration_are_reported_at_once() {
    let lab = Lab::new();
    let error = JwtVerifier::new([
        TrustedIssuer::new("http://a.example", "", KeySource::jwks("{}"))
            .with_leeway(Duration::from_secs(3600))
            .with_algorithms([Algorithm::Hs256])
            .require_claim("org", "acme")
            .with_claims(ClaimMap::oidc().without_email())
            .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail)),
        TrustedIssuer::new("https://b.example", "x", KeySource::hmac_secret([7; 8]))
            .add_alias("http://a.example"),
        lab.issuer
            .trusted(AUDIENCE)
            .add_alias("")
            .with_algorithms([]),
    ])
    .unwrap_err();
    let faults: Vec<_> = error
        .faults()
        .iter()
        .map(|fault| (fault.issuer(), fault.kind().as_str()))
        .collect();
    assert_eq!(
        faults,
        [
            ("http://a.example", "insecure_issuer"),
            ("http://a.example", "no_audience"),
            ("http://a.example", "excessive_leeway"),
            ("http://a.example", "invalid_pointer"),
            ("http://a.example", "linking_without_voucher"),
            ("http://a.example", "hmac_with_public_keys"),
            ("http://a.example", "no_keys"),
            ("https://b.example", "insecure_issuer"),
            ("https://b.example", "weak_secret"),
            ("https://b.example", "duplicate_issuer"),
            (ISSUER, "invalid_issuer"),
            (ISSUER, "no_algorithms"),
        ]
    );
}

#[test]
fn loopback_issuers_do_not_need_https() {
    let lab = Lab::new();
    for issuer in [
        "http://localhost:8080/realms/acme",
        "http://127.0.0.1",
        "http://127.8.8.8:1",
        "http://[::1]:8080",
    ] {
        let keys = KeySource::jwks(lab.issuer.jwks().to_string());
        assert!(
            JwtVerifier::new([TrustedIssuer::new(issuer, AUDIENCE, keys)]).is_ok(),
            "{issuer}"
        );
    }
}
