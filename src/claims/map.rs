//! The mapping of one issuer's claims, and its settings.

use super::{
    address::{Address, Voucher},
    condition::Condition,
    pointer::Pointer,
    roles::Roles,
    subject::Subject,
};
use crate::principal::PrincipalKind;

/// The mapping of the claims in one issuer's tokens.
///
/// Providers agree on `iss`, `sub` and `exp`, and on little else. A [`ClaimMap`] defines for one
/// issuer which claims contain the subject, the e-mail address, names, roles and the tenant, when
/// the issuer vouches for the address, and how services differ from people and access tokens from
/// the issuer's other JWTs. [`ClaimMap::oidc`] follows OpenID Connect, and each preset adds the
/// differences of a provider. Every claim can be changed:
///
/// ```
/// use tower_jit_provisioning::ClaimMap;
///
/// let claims = ClaimMap::oidc()
///     .with_email("/https:~1~1example.com~1email", "/https:~1~1example.com~1email_verified")
///     .add_roles("/permissions");
/// # let _ = claims;
/// ```
///
/// Paths are JSON pointers (RFC 6901) and are checked when the verifier is built.
///
#[doc = include_str!("presets.md")]
#[must_use]
#[derive(Clone, Debug)]
pub struct ClaimMap {
    pub(super) subject: Subject,
    pub(super) email: Option<Address>,
    pub(super) full_name: Pointer,
    /// The first claim that is present counts.
    pub(super) username: Vec<Pointer>,
    pub(super) roles: Roles,
    pub(super) scopes: [Pointer; 2],
    /// The first claim that is present counts.
    pub(super) client_id: Vec<Pointer>,
    pub(super) tenant: Option<Pointer>,
    /// The first condition that holds determines the kind. If none holds, it is a person.
    pub(super) kinds: Vec<(Condition, PrincipalKind)>,
    /// The condition for an ID token, in addition to the checks that apply to every issuer.
    pub(super) id_token: Option<Condition>,
    /// The condition for a token that is neither an access token nor an ID token.
    pub(super) other_token: Option<Condition>,
    /// A claim that people can change at this provider, although not at others.
    pub(super) mutable: Option<Pointer>,
    /// The `iss` of the public issuer, at which anyone can get a token.
    pub(super) public_at: Option<&'static str>,
    /// The text that `iss` must contain, because applications cannot check other tokens.
    pub(super) issuer_part: Option<&'static str>,
}

impl Default for ClaimMap {
    fn default() -> Self {
        Self::oidc()
    }
}

impl ClaimMap {
    /// Maps the standard claims of OpenID Connect Core 1.0 section 5.1 and RFC 9068.
    ///
    /// The subject is `sub`. `email` is vouched for by `email_verified: true`. Names are `name` and
    /// `preferred_username`. Scopes are `scope` (string) or `scp` (string or array). The client is
    /// `azp` or `client_id`, and a token with the client as its subject belongs to a service. Roles
    /// and tenant are not mapped.
    pub fn oidc() -> Self {
        Self {
            subject: Subject::claim("/sub"),
            email: Some(Address::flagged("/email", "/email_verified")),
            full_name: Pointer::new("/name"),
            username: vec![Pointer::new("/preferred_username")],
            roles: Roles::default(),
            scopes: [Pointer::new("/scope"), Pointer::new("/scp")],
            client_id: vec![Pointer::new("/azp"), Pointer::new("/client_id")],
            tenant: None,
            kinds: Vec::new(),
            id_token: None,
            other_token: None,
            mutable: None,
            public_at: None,
            issuer_part: None,
        }
    }

    /// Reads the subject from another claim.
    ///
    /// The claim must be unique at the issuer and must never change, which rules out logins, e-mail
    /// addresses and user names (CVE-2024-4024). Building the verifier fails with `mutable_subject`
    /// if the claim is known to change.
    pub fn with_subject(mut self, pointer: &str) -> Self {
        self.subject = Subject::claim(pointer);
        self
    }

    /// Reads the e-mail address, and the flag by which the issuer vouches for it, from other
    /// claims.
    pub fn with_email(mut self, address: &str, verified: &str) -> Self {
        self.email = Some(Address::flagged(address, verified));
        self
    }

    /// Reads the e-mail address from another claim, for display only.
    pub fn with_unvouched_email(mut self, address: &str) -> Self {
        self.email = Some(Address::unvouched(address));
        self
    }

    /// Declares the issuer authoritative for addresses in these domains, whatever the flag.
    ///
    /// Use it only for a provider that operates the mail of these domains. At a provider where
    /// people can enter any address, it allows account takeover (nOAuth, CVE-2024-21632).
    pub fn with_authoritative_domains<I>(mut self, address: &str, domains: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        let domains = domains
            .into_iter()
            .map(|domain| domain.into().to_ascii_lowercase().into_boxed_str())
            .collect();
        self.email = Some(Address {
            claim: Pointer::new(address),
            voucher: Voucher::Domains(domains),
        });
        self
    }

    /// Ignores e-mail addresses.
    pub fn without_email(mut self) -> Self {
        self.email = None;
        self
    }

    /// Reads the display name from another claim.
    pub fn with_full_name(mut self, pointer: &str) -> Self {
        self.full_name = Pointer::new(pointer);
        self
    }

    /// Reads the user name from another claim, for display only.
    pub fn with_username(mut self, pointer: &str) -> Self {
        self.username = vec![Pointer::new(pointer)];
        self
    }

    /// Reads roles from an additional claim: an array of strings, a string separated by spaces, or
    /// an object with the roles as member names.
    ///
    /// The roles have no effect until the issuer's [policy](crate::IssuerPolicy::map_role) maps
    /// them.
    pub fn add_roles(mut self, pointer: &str) -> Self {
        self.roles.paths.push(Pointer::new(pointer));
        self
    }

    /// Treats a token without a role claim as a token of a user without roles.
    ///
    /// Use it only if the issuer includes the claim in every token of a user with roles. Otherwise
    /// users lose their roles when a client omits a scope.
    pub fn with_absent_roles_as_empty(mut self) -> Self {
        self.roles.absent_is_empty = true;
        self
    }

    /// Reads the tenant from another claim.
    ///
    /// The claim has no effect until the issuer lists
    /// [the allowed tenants](crate::TrustedIssuer::with_tenants_from_claim).
    pub fn with_tenant_claim(mut self, pointer: &str) -> Self {
        self.tenant = Some(Pointer::new(pointer));
        self
    }

    /// Returns the paths that are not JSON pointers, as the operator wrote them.
    pub(crate) fn faults(&self) -> impl Iterator<Item = &str> {
        std::iter::once(&self.full_name)
            .chain(self.subject.pointers())
            .chain(self.email.iter().flat_map(Address::pointers))
            .chain(&self.username)
            .chain(&self.roles.paths)
            .chain(&self.tenant)
            .filter(|pointer| !pointer.is_valid())
            .map(Pointer::as_str)
    }

    /// Returns the label of the claims that the subject is read from.
    pub(crate) fn subject_strategy(&self) -> String {
        self.subject.label()
    }

    /// Returns a claim of the subject that people can change, as the operator wrote it.
    pub(crate) fn mutable_subject(&self) -> Option<&str> {
        let address = self.email.as_ref().map(|email| &email.claim);
        let by_this_map = self
            .subject
            .pointers()
            .into_iter()
            .find(|pointer| [self.mutable.as_ref(), address].contains(&Some(*pointer)));
        by_this_map
            .or_else(|| self.subject.mutable())
            .map(Pointer::as_str)
    }

    /// Returns whether the issuer can vouch for an e-mail address in any token.
    pub(crate) fn vouches_for_email(&self) -> bool {
        self.email.as_ref().is_some_and(Address::can_vouch)
    }

    /// Returns whether a tenant is read.
    pub(crate) fn names_tenants(&self) -> bool {
        self.tenant.is_some()
    }

    /// Returns whether anyone can get a token with this `iss`.
    pub(crate) fn is_public(&self, issuer: &str) -> bool {
        self.public_at == Some(issuer)
    }

    /// Returns whether an application can check tokens with this `iss`.
    pub(crate) fn is_checkable(&self, issuer: &str) -> bool {
        self.issuer_part.is_none_or(|part| issuer.contains(part))
    }
}
