//! Google.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Google's ID tokens, the only JWTs it issues; the Workspace domain (`hd`) is the tenant.
    ///
    /// The audience is the OAuth client. Google writes its issuer in two ways, and its ID tokens
    /// carry `at_hash`, so trust is spelt out:
    ///
    /// ```
    /// use tower_jit_provisioning::{ClaimMap, KeySource, TrustedIssuer};
    ///
    /// let issuer = TrustedIssuer::new(
    ///     "https://accounts.google.com",
    ///     "123.apps.googleusercontent.com",
    ///     KeySource::jwks("{}"),
    /// )
    /// .add_alias("accounts.google.com")
    /// .allow_id_tokens()
    /// .with_claims(ClaimMap::google())
    /// .with_tenants_from_claim(["example.com"]);
    /// # let _ = issuer;
    /// ```
    ///
    /// Anybody can have an account; the allow-list of `hd` is what keeps an application to one
    /// company, and an address's domain is not. There are no roles.
    pub fn google() -> Self {
        let mut map = Self::oidc();
        map.tenant = Some(Pointer::new("/hd"));
        map
    }
}
