//! Google.

use crate::claims::{map::ClaimMap, pointer::Pointer};

impl ClaimMap {
    /// Maps Google's ID tokens, with the Workspace domain (`hd`) as the tenant.
    ///
    /// Google issues no other JWTs. The audience is the OAuth client. Google's `iss` has two forms,
    /// and its ID tokens contain `at_hash`, so the issuer needs an alias and must allow ID tokens:
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
    /// Anyone can create an account. To restrict an application to one company, use the allow-list
    /// of `hd`, not the domain of the address. The tokens have no roles.
    pub fn google() -> Self {
        let mut map = Self::oidc();
        map.tenant = Some(Pointer::new("/hd"));
        map
    }
}
