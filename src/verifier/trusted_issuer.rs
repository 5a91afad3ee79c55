//! The configuration of an issuer whose tokens are accepted.

use std::time::Duration;

use super::{
    algorithm::Algorithm,
    audience::Audience,
    keys::{KeyRefresh, KeySource},
    tenancy::Tenancy,
};
use crate::{
    claims::{ClaimMap, Pointer},
    policy::IssuerPolicy,
};

/// Issuer whose tokens are accepted, with its keys and the requirements for its tokens.
///
/// ```
/// use std::time::Duration;
/// use tower_jit_provisioning::{Algorithm, ClaimMap, IssuerPolicy, KeySource, TrustedIssuer};
///
/// let jwks = r#"{"keys":[]}"#;
/// let issuer = TrustedIssuer::new("https://id.example.com", "orders-api", KeySource::jwks(jwks))
///     .with_algorithms([Algorithm::Es256, Algorithm::Rs256])
///     .with_claims(ClaimMap::keycloak())
///     .with_policy(IssuerPolicy::new().map_role("orders-admin", "admin"))
///     .with_leeway(Duration::from_secs(30));
/// # let _ = issuer;
/// ```
#[must_use]
#[derive(Clone, Debug)]
pub struct TrustedIssuer {
    /// The name in the configuration; `None` means that the issuer names itself.
    pub(super) name: Option<String>,
    pub(super) issuer: String,
    pub(super) aliases: Vec<String>,
    pub(super) audience: Audience,
    pub(super) keys: KeySource,
    pub(super) refresh: KeyRefresh,
    pub(super) algorithms: Option<Vec<Algorithm>>,
    pub(super) claims: ClaimMap,
    pub(super) policy: IssuerPolicy,
    pub(super) tenancy: Tenancy,
    pub(super) token_types: Vec<String>,
    pub(super) untyped_tokens: bool,
    pub(super) id_tokens: bool,
    pub(super) leeway: Duration,
    pub(super) max_age: Option<Duration>,
    pub(super) required_scopes: Vec<String>,
    pub(super) required_claims: Vec<(Pointer, String)>,
}

impl TrustedIssuer {
    /// Trusts tokens for this audience that are signed with these keys and whose `iss` is exactly
    /// `issuer`, byte for byte.
    pub fn new(issuer: impl Into<String>, audience: impl Into<Audience>, keys: KeySource) -> Self {
        Self {
            name: None,
            issuer: issuer.into(),
            aliases: Vec::new(),
            audience: audience.into(),
            keys,
            refresh: KeyRefresh::new(),
            algorithms: None,
            claims: ClaimMap::oidc(),
            policy: IssuerPolicy::new(),
            tenancy: Tenancy::default(),
            token_types: ["JWT", "at+jwt"].map(str::to_owned).into(),
            untyped_tokens: true,
            id_tokens: false,
            leeway: Duration::from_secs(60),
            max_age: None,
            required_scopes: Vec::new(),
            required_claims: Vec::new(),
        }
    }

    /// Trusts an issuer that publishes its keys. They are fetched over HTTPS from the `jwks_uri` of
    /// its metadata.
    #[cfg(feature = "jwks")]
    pub fn discover(issuer: impl Into<String>, audience: impl Into<Audience>) -> Self {
        Self::new(
            issuer,
            audience,
            KeySource::discovery(crate::fetch::HttpFetcher::new()),
        )
    }

    /// Sets when remote keys are fetched, and the limits of a fetch. Default: [`KeyRefresh::new`].
    pub fn with_key_refresh(mut self, refresh: KeyRefresh) -> Self {
        self.refresh = refresh;
        self
    }

    /// Accepts another `iss` of the same issuer. Google and Entra ID, for example, use two.
    ///
    /// Identities have the canonical issuer, the one passed to [`new`](Self::new).
    pub fn add_alias(mut self, issuer: impl Into<String>) -> Self {
        self.aliases.push(issuer.into());
        self
    }

    /// Accepts only these algorithms. Default: every asymmetric algorithm, or `HS256` with a shared
    /// secret.
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Sets where claims are found in this issuer's tokens. Default: [`ClaimMap::oidc`].
    pub fn with_claims(mut self, claims: ClaimMap) -> Self {
        self.claims = claims;
        self
    }

    /// Sets the policy for this issuer's users: sign-up, linking, roles and access. Default:
    /// [`IssuerPolicy::new`].
    pub fn with_policy(mut self, policy: IssuerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Puts this issuer's users into a tenant. Default: the empty string, which is no tenant.
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenancy = Tenancy::fixed(tenant);
        self
    }

    /// Puts each user into the tenant that the token names, which must be one of these.
    ///
    /// The claim map [sets the claim](ClaimMap::with_tenant_claim): `tid` at Entra ID, `org_id` at
    /// Auth0. A token that names no tenant or another one is rejected. Replaces
    /// [`with_tenant`](Self::with_tenant).
    pub fn with_tenants_from_claim<I>(mut self, allowed: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.tenancy = Tenancy::from_claim(allowed);
        self
    }

    /// Accepts only tokens with one of these `typ` values, compared without case and with or without
    /// the prefix `application/` (RFC 8725 section 3.11).
    ///
    /// Default: `JWT` and `at+jwt`, and tokens without `typ`. Once types are set, a token without
    /// `typ` is rejected: an issuer that marks its access tokens (RFC 9068 section 2.1) may leave its
    /// ID tokens unmarked, and nothing else distinguishes them.
    pub fn with_token_types<I>(mut self, types: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.token_types = types.into_iter().map(Into::into).collect();
        self.untyped_tokens = false;
        self
    }

    /// Accepts ID tokens as well.
    ///
    /// An ID token is meant for the client that signed the user in, not for an API. Some providers,
    /// such as Google, issue no other JWT.
    pub fn allow_id_tokens(mut self) -> Self {
        self.id_tokens = true;
        self
    }

    /// Sets the tolerated difference between clocks, at most 10 minutes. Default: 60 seconds.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Rejects tokens issued longer ago than this, and tokens without `iat`. Default: no limit.
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Requires this scope in every token; a token without it is rejected as `insufficient_scope`.
    pub fn require_scope(mut self, scope: impl Into<String>) -> Self {
        self.required_scopes.push(scope.into());
        self
    }

    /// Requires the claim at this JSON pointer to be this string, or a list that contains it.
    pub fn require_claim(mut self, pointer: &str, value: impl Into<String>) -> Self {
        self.required_claims
            .push((Pointer::new(pointer), value.into()));
        self
    }

    /// Sets the name that faults use, from the configuration.
    pub(super) fn with_name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.issuer)
    }

    /// Returns every accepted `iss`: the issuer and its aliases.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.issuer)
            .chain(&self.aliases)
            .map(String::as_str)
    }
}
