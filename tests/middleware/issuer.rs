//! An issuer, its tokens, and the layer that trusts it.

use tower_jit_provisioning::{
    JwtVerifier, MemoryProvisioner, ProvisionLayer, Provisioner,
    testing::{TestIssuer, TokenBuilder},
};

pub(crate) const ISSUER: &str = "https://id.example.com";

pub(crate) const AUDIENCE: &str = "orders-api";

pub(crate) const SCOPE: &str = "orders:read";

pub(crate) fn issuer() -> TestIssuer {
    TestIssuer::new(ISSUER)
}

/// Returns a token that the layer accepts.
pub(crate) fn token(issuer: &TestIssuer) -> TokenBuilder {
    issuer.token("ana").audience(AUDIENCE)
}

pub(crate) fn layer(issuer: &TestIssuer) -> ProvisionLayer<MemoryProvisioner> {
    layer_of(issuer, MemoryProvisioner::new())
}

pub(crate) fn layer_of<P: Provisioner>(issuer: &TestIssuer, provisioner: P) -> ProvisionLayer<P> {
    let verifier = JwtVerifier::new([issuer.trusted(AUDIENCE)]).unwrap();
    ProvisionLayer::new(verifier, provisioner)
}

/// Returns a verifier that requires [`SCOPE`].
pub(crate) fn scoped_verifier(issuer: &TestIssuer) -> JwtVerifier {
    JwtVerifier::new([issuer.trusted(AUDIENCE).require_scope(SCOPE)]).unwrap()
}

/// Returns a token with [`SCOPE`].
pub(crate) fn scoped_token(issuer: &TestIssuer) -> TokenBuilder {
    token(issuer).claim("scope", SCOPE)
}
