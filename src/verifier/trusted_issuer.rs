//! An issuer whose tokens the application accepts, and on which terms.

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

/// An issuer, its keys, and what its tokens must hold.
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
    /// What the operator calls it.
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
    /// Trusts tokens whose `iss` is exactly `issuer`, byte for byte, for this audience, signed with
    /// these keys.
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

    /// Trusts an issuer that publishes its keys, fetched over HTTPS as its metadata says.
    #[cfg(feature = "jwks")]
    pub fn discover(issuer: impl Into<String>, audience: impl Into<Audience>) -> Self {
        Self::new(
            issuer,
            audience,
            KeySource::discovery(crate::fetch::HttpFetcher::new()),
        )
    }

    /// Sets when remote keys are fetched, and within which limits. Default: [`KeyRefresh::new`].
    pub fn with_key_refresh(mut self, refresh: KeyRefresh) -> Self {
        self.refresh = refresh;
        self
    }

    /// Accepts another spelling of the same issuer in `iss`, as Google and Entra ID have.
    ///
    /// Identities keep the canonical issuer, the one given to [`new`](Self::new).
    pub fn add_alias(mut self, issuer: impl Into<String>) -> Self {
        self.aliases.push(issuer.into());
        self
    }

    /// Accepts only these algorithms. Default: every asymmetric one, or `HS256` with a secret.
    pub fn with_algorithms(mut self, algorithms: impl IntoIterator<Item = Algorithm>) -> Self {
        self.algorithms = Some(algorithms.into_iter().collect());
        self
    }

    /// Says where this issuer keeps its claims. Default: [`ClaimMap::oidc`].
    pub fn with_claims(mut self, claims: ClaimMap) -> Self {
        self.claims = claims;
        self
    }

    /// Sets what this issuer's subjects may become. Default: [`IssuerPolicy::new`].
    pub fn with_policy(mut self, policy: IssuerPolicy) -> Self {
        self.policy = policy;
        self
    }

    /// Puts this issuer's users into a tenant. Default: none, the empty string.
    pub fn with_tenant(mut self, tenant: impl Into<String>) -> Self {
        self.tenancy = Tenancy::fixed(tenant);
        self
    }

    /// Puts each user into the tenant that the token names, which must be one of these.
    ///
    /// The claim is the [map's](ClaimMap::with_tenant_claim): `tid` at Entra ID, `org_id` at Auth0.
    /// A token that names no tenant, or another one, is refused. Takes the place of
    /// [`with_tenant`](Self::with_tenant).
    pub fn with_tenants_from_claim<I>(mut self, allowed: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        self.tenancy = Tenancy::from_claim(allowed);
        self
    }

    /// Accepts only tokens with one of these `typ` values, case-insensitive and with or without
    /// `application/` (RFC 8725 section 3.11).
    ///
    /// Default: `JWT` and `at+jwt`, and no `typ` at all. Types that are named must be there: an
    /// issuer that marks its access tokens (RFC 9068 section 2.1) may leave its ID tokens unmarked,
    /// and nothing else tells them apart.
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
    /// They are meant for the client that signed the user in, not for an API; some providers, such
    /// as Google, have no other JWT.
    pub fn allow_id_tokens(mut self) -> Self {
        self.id_tokens = true;
        self
    }

    /// Tolerates clocks that differ by this much; at most 10 minutes. Default: 60 seconds.
    pub fn with_leeway(mut self, leeway: Duration) -> Self {
        self.leeway = leeway;
        self
    }

    /// Refuses tokens issued longer ago than this, and tokens without `iat`. Default: no limit.
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = Some(age);
        self
    }

    /// Requires this scope of every token; a token without it is `insufficient_scope`.
    pub fn require_scope(mut self, scope: impl Into<String>) -> Self {
        self.required_scopes.push(scope.into());
        self
    }

    /// Requires the claim at this JSON pointer to be this string, or a list with it.
    pub fn require_claim(mut self, pointer: &str, value: impl Into<String>) -> Self {
        self.required_claims
            .push((Pointer::new(pointer), value.into()));
        self
    }

    /// Names the issuer in faults as the operator does.
    pub(super) fn with_name(mut self, name: String) -> Self {
        self.name = Some(name);
        self
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.issuer)
    }

    /// Every `iss` this issuer answers to.
    pub(super) fn spellings(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.issuer)
            .chain(&self.aliases)
            .map(String::as_str)
    }
}
