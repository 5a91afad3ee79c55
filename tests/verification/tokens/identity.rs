//! Contents of a verified token's identity, and its `Debug` output.

use std::error::Error as StdError;

use serde_json::{Value, json};
use tower_jit_provisioning::{
    Algorithm, ClaimMap, CurrentUser, Email, IssuerPolicy, JwtVerifier, KeySource,
    MemoryProvisioner, MemoryUser, PrincipalKind, ProvisionLayer, Provisioner, RoleClaim,
    TrustedIssuer,
    testing::{SigningKey, TestIssuer},
};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, clock};

#[test]
fn the_claims_are_mapped_to_the_identity() {
    let lab = Lab::with(|trusted| {
        trusted
            .with_claims(ClaimMap::keycloak())
            .with_policy(IssuerPolicy::new().map_role("orders-admin", "admin"))
    });
    let token = lab
        .token()
        .email("Ana@example.com", true)
        .claim("name", "Ana Diaz")
        .claim("preferred_username", "ana")
        .claim("azp", "web")
        .claim("scope", "openid email")
        .claim(
            "realm_access",
            json!({"roles": ["orders-admin", "offline_access"]}),
        )
        .claim("iat", NOW as f64 - 0.5);
    let identity = lab.passes(&token.sign());
    assert_eq!(identity.subject(), "ana");
    assert_eq!(identity.issuer(), ISSUER);
    assert_eq!(identity.tenant(), "");
    assert_eq!(identity.kind(), PrincipalKind::Human);
    assert_eq!(identity.email().unwrap().as_str(), "Ana@example.com");
    assert!(identity.vouched_email().is_some());
    assert_eq!(identity.full_name(), Some("Ana Diaz"));
    assert_eq!(identity.username(), Some("ana"));
    assert_eq!(identity.client_id(), Some("web"));
    assert_eq!(identity.scopes().collect::<Vec<_>>(), ["openid", "email"]);
    assert_eq!(
        identity.roles(),
        &RoleClaim::Present(vec!["admin".to_owned()])
    );
    let now = i64::try_from(NOW * 1000).unwrap();
    assert_eq!(identity.issued_at(), Some(now - 500));
    assert_eq!(identity.expires_at(), now + 300_000);

    let unverified = lab.passes(&lab.token().email("ana@example.com", false).sign());
    assert!(unverified.email().is_some() && unverified.vouched_email().is_none());
    let service = lab
        .token()
        .claim("preferred_username", "service-account-web");
    assert_eq!(lab.passes(&service.sign()).kind(), PrincipalKind::Service);
}

#[test]
fn claims_are_deserialized_into_a_custom_type() {
    #[derive(Debug, PartialEq, serde::Deserialize)]
    struct Plan {
        plan: String,
        seats: u32,
    }
    let lab = Lab::new();
    let token = lab.token().claim("plan", "team").claim("seats", 5).sign();
    let identity = lab.passes(&token);
    let plan = Plan {
        plan: "team".to_owned(),
        seats: 5,
    };
    assert_eq!(identity.claims::<Plan>().unwrap(), plan);
    let cached = lab.verifier.cached(&token).unwrap();
    assert_eq!(cached.claims::<Plan>().unwrap(), plan);
    let all: Value = identity.claims().unwrap();
    assert_eq!(all["iss"], ISSUER);
    let without = lab.passes(&lab.token().sign());
    assert!(without.claims::<Plan>().is_err());
}

#[tokio::test]
async fn debug_output_has_no_credential_and_nothing_personal() {
    let secret = "correct-horse-battery-staple-correct-horse";
    let subject = "subject-4711";
    let address = "ana.diaz@example.com";
    let name = "Ana Diaz";
    let clock = clock();
    let key = SigningKey::hmac("key-1", Algorithm::Hs256, secret.as_bytes());
    let issuer = TestIssuer::with_key(ISSUER, key).with_clock(clock.clone());
    let source = KeySource::hmac_secret(secret);
    let trusted = TrustedIssuer::new(ISSUER, AUDIENCE, source.clone());
    let verifier = JwtVerifier::new([trusted.clone()])
        .unwrap()
        .with_clock(clock);
    let token = issuer
        .token(subject)
        .audience(AUDIENCE)
        .email(address, true)
        .claim("name", name)
        .sign();
    let identity = verifier.verify(&token).await.unwrap();
    let users = MemoryProvisioner::new();
    let provisioned = users.provision(&identity).await.unwrap();
    let error = verifier.verify(&token[1..]).await.unwrap_err();
    let weak = TrustedIssuer::new(ISSUER, AUDIENCE, KeySource::hmac_secret(&secret[..20]));
    let build_error = JwtVerifier::new([weak]).unwrap_err();
    let layer = ProvisionLayer::new(verifier.clone(), users.clone());

    let mut shown = vec![
        format!("{identity:?}"),
        format!("{error:?} {error} {}", error.source().unwrap()),
        format!("{verifier:?}"),
        format!("{source:?}"),
        format!("{trusted:?}"),
        format!("{build_error:?} {build_error}"),
        format!("{:?}", Email::parse(address).unwrap()),
        format!("{:?}", provisioned.user()),
        format!("{provisioned:?}"),
        format!("{users:?}"),
        format!("{layer:?}"),
        format!("{:?}", issuer.key()),
        format!("{issuer:?}"),
    ];
    let service =
        tower::ServiceBuilder::new()
            .layer(layer)
            .service_fn(async |request: http::Request<()>| {
                let user =
                    CurrentUser::<MemoryUser>::from_extensions(request.extensions()).unwrap();
                Ok::<_, std::convert::Infallible>(http::Response::new(format!("{user:?}")))
            });
    shown.push(format!("{service:?}"));
    let request = http::Request::get("/")
        .header("authorization", format!("Bearer {token}"))
        .body(())
        .unwrap();
    let response = tower::ServiceExt::oneshot(service, request).await.unwrap();
    shown.push(format!("{response:?}"));
    assert!(shown.last().unwrap().contains("CurrentUser"));

    let signature = token.rsplit('.').next().unwrap();
    let bytes = format!("{:?}", secret.as_bytes());
    let bytes = bytes.trim_matches(['[', ']']);
    for text in shown {
        for leaked in [
            secret,
            subject,
            address,
            name,
            signature,
            &token[1..],
            bytes,
        ] {
            assert!(!text.contains(leaked), "{leaked} in {text}");
        }
        assert!(!text.contains(&secret[..20]), "{text}");
    }
}
