//! The map itself, and how an operator bends it.

use super::{
    address::{Address, Voucher},
    condition::Condition,
    pointer::Pointer,
    roles::Roles,
    subject::Subject,
};
use crate::principal::PrincipalKind;

/// The meaning of the claims in one issuer's tokens.
///
/// Providers agree on `iss`, `sub` and `exp` and on little else. A [`ClaimMap`] says, for one
/// issuer, where the subject stands, which address the issuer vouches for, where names, roles and
/// the tenant are kept, what tells a service from a person and an access token from the issuer's
/// other JWTs. [`ClaimMap::oidc`] is what OpenID Connect specifies; a preset adds where a provider
/// differs. Everything is settable:
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
    /// The first that is there.
    pub(super) username: Vec<Pointer>,
    pub(super) roles: Roles,
    pub(super) scopes: [Pointer; 2],
    /// The first that is there.
    pub(super) client_id: Vec<Pointer>,
    pub(super) tenant: Option<Pointer>,
    /// The first that holds decides; none makes it a person.
    pub(super) kinds: Vec<(Condition, PrincipalKind)>,
    /// What makes a token an ID token, beyond the marks every issuer uses.
    pub(super) id_token: Option<Condition>,
    /// What makes a token one for something else altogether.
    pub(super) other_token: Option<Condition>,
    /// A claim that this provider lets people change, though others do not.
    pub(super) mutable: Option<Pointer>,
    /// The `iss` at which anybody at all can get a token.
    pub(super) public_at: Option<&'static str>,
    /// What every `iss` whose tokens an application may check has in it.
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
    /// `preferred_username`. Scopes are `scope` (string) or `scp` (string or array), the client is
    /// `azp` or `client_id`, and a token whose subject is its client is a service's. No roles, and
    /// no tenant.
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
    /// It must be unique at the issuer and never change: a login, an e-mail address or a user name
    /// is none (CVE-2024-4024). The well-known ones are refused when the verifier is built, as
    /// `mutable_subject`.
    pub fn with_subject(mut self, pointer: &str) -> Self {
        self.subject = Subject::claim(pointer);
        self
    }

    /// Reads the e-mail address, and the flag that vouches for it, from other claims.
    pub fn with_email(mut self, address: &str, verified: &str) -> Self {
        self.email = Some(Address::flagged(address, verified));
        self
    }

    /// Reads the e-mail address from another claim, for display: nothing vouches for it.
    pub fn with_unvouched_email(mut self, address: &str) -> Self {
        self.email = Some(Address::unvouched(address));
        self
    }

    /// Declares the issuer authoritative for addresses in these domains, flag or no flag.
    ///
    /// Right for a provider that runs these domains' mail; an account takeover for one where
    /// anybody can enter an address (nOAuth, CVE-2024-21632).
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

    /// Reads the user name from another claim. It is for display only.
    pub fn with_username(mut self, pointer: &str) -> Self {
        self.username = vec![Pointer::new(pointer)];
        self
    }

    /// Reads roles from one more claim: an array of strings, a string separated by spaces, or an
    /// object whose member names are the roles.
    ///
    /// A role found here means nothing until the issuer's
    /// [policy](crate::IssuerPolicy::map_role) maps it.
    pub fn add_roles(mut self, pointer: &str) -> Self {
        self.roles.paths.push(Pointer::new(pointer));
        self
    }

    /// Reads a token without any role claim as the token of somebody without roles.
    ///
    /// Right only where the issuer puts the claim into every token of everybody who has a role.
    /// Anywhere else it takes the roles of everybody whose client left out a scope.
    pub fn with_absent_roles_as_empty(mut self) -> Self {
        self.roles.absent_is_empty = true;
        self
    }

    /// Reads the tenant from another claim.
    ///
    /// Nothing comes of it until the issuer lists
    /// [the tenants it may name](crate::TrustedIssuer::with_tenants_from_claim).
    pub fn with_tenant_claim(mut self, pointer: &str) -> Self {
        self.tenant = Some(Pointer::new(pointer));
        self
    }

    /// The paths that are no JSON pointers, as the operator wrote them.
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

    /// Names the claims that the subject is read from.
    pub(crate) fn subject_strategy(&self) -> String {
        self.subject.label()
    }

    /// The claim in the subject that people may change, as the operator wrote it.
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

    /// Whether this map can ever vouch for an e-mail address.
    pub(crate) fn vouches_for_email(&self) -> bool {
        self.email.as_ref().is_some_and(Address::can_vouch)
    }

    /// Whether this map reads a tenant.
    pub(crate) fn names_tenants(&self) -> bool {
        self.tenant.is_some()
    }

    /// Whether anybody at all can get a token with this `iss`.
    pub(crate) fn is_public(&self, issuer: &str) -> bool {
        self.public_at == Some(issuer)
    }

    /// Whether an application can check tokens with this `iss` at all.
    pub(crate) fn is_checkable(&self, issuer: &str) -> bool {
        self.issuer_part.is_none_or(|part| issuer.contains(part))
    }
}
