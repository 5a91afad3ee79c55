//! Each crate's layer, configured for one issuer with known keys.

use std::sync::Arc;

use axum::body::Body;
use oauth_resource_server::{KeyNaming, OAuthConfig, OAuthValidator, axum::AuthLayer};
use serde::{Deserialize, Serialize};
use tower_jit_provisioning::testing::TestIssuer;
use tower_oauth2_resource_server::{
    layer::OAuth2ResourceServerLayer, server::OAuth2ResourceServer, tenant::TenantConfiguration,
    validation::ClaimsValidationSpec,
};

/// The claims that a handler reads to find its user.
#[derive(Clone, Debug, Deserialize, Serialize)]
pub struct Claims {
    pub iss: String,
    pub sub: String,
}

/// Checks the signature, `exp`, `iss` and `aud`.
pub async fn tower_oauth2_resource_server(
    issuer: &TestIssuer,
    audience: &str,
) -> OAuth2ResourceServerLayer<Body, Claims> {
    let claims = ClaimsValidationSpec::new()
        .exp(true)
        .iss(issuer.name())
        .aud(&vec![audience.to_owned()]);
    let tenant = TenantConfiguration::static_builder(issuer.jwks().to_string())
        .identifier(issuer.name())
        .claims_validation(claims)
        .build()
        .expect("a tenant");
    let server = OAuth2ResourceServer::<Claims>::builder().add_tenant(tenant);
    server.build().await.expect("a server").into_layer()
}

/// Checks the signature, `exp`, `nbf`, `iss`, `aud` and `typ`, and reads scopes.
pub fn oauth_resource_server(issuer: &TestIssuer, audience: &str, algorithm: &str) -> AuthLayer {
    let config = OAuthConfig {
        enabled: true,
        issuer: issuer.name().to_owned(),
        jwks_uri: Some("https://id.example.com/jwks".to_owned()),
        audience: audience.to_owned(),
        resource: "https://api.example.com".to_owned(),
        required_scopes: vec!["orders:read".to_owned()],
        algorithms: vec![algorithm.to_owned()],
        principal_claims: vec!["sub".to_owned()],
        ..OAuthConfig::default()
    };
    let config = config
        .resolve(KeyNaming::Dotted(""))
        .expect("a configuration");
    let validator = OAuthValidator::builder(&config.expect("one that is enabled"))
        .initial_jwks(&issuer.jwks().to_string())
        .build()
        .expect("a validator");
    let layer = AuthLayer::builder().oauth(Arc::new(validator)).build();
    layer.expect("a layer")
}
