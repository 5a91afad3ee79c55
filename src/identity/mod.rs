//! Who a verified token speaks for.
//!
//! An [`Identity`] is evidence: only a [`JwtVerifier`](crate::JwtVerifier) makes one, after every
//! check on the token has passed. Whoever holds one need not check anything again, except what
//! only the application knows (is this user still active?), and that is a
//! [`Provisioner`](crate::Provisioner)'s work.

mod evidence;
mod key;
mod profile;

use std::{
    fmt,
    sync::{Arc, OnceLock},
};

use serde::de::DeserializeOwned;

pub use self::key::{IdentityKey, issuer_key};
use self::profile::Profile;
pub(crate) use self::{
    evidence::Evidence,
    key::{digest, hex},
};
use crate::{
    email::Email,
    provisioner::IssuerPolicy,
    verifier::{Proof, payload_of},
};

/// What stands behind a token.
#[derive(Clone, Copy, Debug, Eq, Hash, PartialEq)]
#[non_exhaustive]
pub enum PrincipalKind {
    /// A visitor without an account, as Firebase and Supabase issue tokens for.
    Anonymous,
    /// A person.
    Human,
    /// A client acting for itself: client credentials, a service account, a workload.
    Service,
}

impl PrincipalKind {
    /// Returns the stable label: `anonymous`, `human` or `service`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Anonymous => "anonymous",
            Self::Human => "human",
            Self::Service => "service",
        }
    }

    /// Finds the kind of a label.
    #[must_use]
    pub fn parse(label: &str) -> Option<Self> {
        [Self::Anonymous, Self::Human, Self::Service]
            .into_iter()
            .find(|kind| kind.as_str() == label)
    }
}

/// The application roles that a token grants, after the issuer's mapping.
///
/// Absent and truncated are not empty: a token that says nothing about roles must not be read as
/// one that takes them away, or a large group list (Entra ID's overage) demotes administrators.
#[derive(Clone, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum RoleClaim {
    /// None of the issuer's role paths is in the token.
    Absent,
    /// The token lists roles; these are the mapped ones, sorted and without duplicates.
    Present(Vec<String>),
    /// The issuer left the list out because it was too long.
    Truncated,
}

impl RoleClaim {
    /// Returns the mapped roles, or nothing when the token does not state them.
    #[must_use]
    pub fn as_slice(&self) -> &[String] {
        match self {
            Self::Present(roles) => roles,
            Self::Absent | Self::Truncated => &[],
        }
    }
}

/// A verified token's subject and everything mapped from its claims.
///
/// Cheap to clone. See the [module docs](self) for who can make one.
#[derive(Clone)]
pub struct Identity(Arc<Inner>);

/// What every identity of one issuer shares.
pub(crate) struct Origin {
    pub(crate) issuer: Arc<str>,
    /// Which claims the subject is read from.
    pub(crate) subject_strategy: Arc<str>,
    pub(crate) policy: Arc<IssuerPolicy>,
    /// Which configuration maps the token: a reload is a new one.
    pub(crate) generation: u64,
}

/// What is read at every request stands together: of ten thousand identities, each line of the
/// processor's cache is one that has to be fetched.
#[repr(C)]
struct Inner {
    proof: Option<Proof>,
    /// Set once, before anybody but the policy's own rules sees the identity.
    judged: OnceLock<Judged>,
    key: IdentityKey,
    profile: Profile,
    origin: Arc<Origin>,
    tenant: Arc<str>,
    kind: PrincipalKind,
    email: Option<Email>,
    email_is_vouched: bool,
    roles: RoleClaim,
    issued_at: Option<i64>,
    expires_at: i64,
}

/// What the issuer's rules say of the token, and what a provisioning verdict depends on.
#[derive(Clone, Copy)]
struct Judged {
    passes_access_rules: bool,
    passes_sign_up_rule: bool,
    evidence: Evidence,
}

/// What the verifier hands over. Only `verifier` fills it.
pub(crate) struct Verified<'t> {
    pub(crate) origin: &'t Arc<Origin>,
    pub(crate) tenant: &'t Arc<str>,
    pub(crate) token: &'t str,
    pub(crate) subject: &'t str,
    pub(crate) kind: PrincipalKind,
    pub(crate) email: Option<Email>,
    pub(crate) email_is_vouched: bool,
    pub(crate) full_name: Option<&'t str>,
    pub(crate) username: Option<&'t str>,
    pub(crate) client_id: Option<&'t str>,
    pub(crate) scopes: &'t [&'t str],
    pub(crate) roles: RoleClaim,
    pub(crate) issued_at: Option<i64>,
    pub(crate) expires_at: i64,
    /// Why the token is good; `None` where nobody signed it.
    pub(crate) proof: Option<Proof>,
}

impl Identity {
    pub(crate) fn new(verified: Verified<'_>) -> Self {
        let names = [verified.full_name, verified.username, verified.client_id];
        let (origin, tenant) = (verified.origin, verified.tenant);
        let identity = Self(Arc::new(Inner {
            origin: Arc::clone(origin),
            tenant: Arc::clone(tenant),
            key: IdentityKey::new(tenant, &origin.issuer, verified.subject),
            kind: verified.kind,
            profile: Profile::new(verified.token, verified.subject, names, verified.scopes),
            email: verified.email,
            email_is_vouched: verified.email_is_vouched,
            roles: verified.roles,
            issued_at: verified.issued_at,
            expires_at: verified.expires_at,
            proof: verified.proof,
            judged: OnceLock::new(),
        }));
        let policy = identity.policy();
        let verdicts = [policy.admits(&identity), policy.lets_sign_up(&identity)];
        identity.0.judged.get_or_init(|| Judged {
            passes_access_rules: verdicts[0],
            passes_sign_up_rule: verdicts[1],
            evidence: Evidence::of(&identity.0, verdicts),
        });
        identity
    }

    /// Whether this is the identity of `token`, and the token is good at `now`.
    #[inline]
    pub(crate) fn answers(&self, token: &[u8], now: i64) -> bool {
        let proof = self.0.proof.as_ref();
        proof.is_some_and(|proof| proof.holds_at(now)) && self.0.profile.is_of(token)
    }

    /// Roughly the bytes this identity holds, its token's included.
    pub(crate) fn footprint(&self) -> usize {
        let roles = self.0.roles.as_slice().iter();
        let roles = roles.map(|role| size_of::<String>() + role.len());
        let email = self.email().map_or(0, |email| email.as_str().len());
        size_of::<Inner>() + self.0.profile.footprint() + email + roles.sum::<usize>()
    }

    /// What a provisioning verdict on this identity depends on.
    #[inline]
    pub(crate) fn evidence(&self) -> Evidence {
        self.0
            .judged
            .get()
            .expect("set when the identity was made")
            .evidence
    }

    /// What the access rules of the issuer's policy said of the token.
    #[inline]
    pub(crate) fn passes_access_rules(&self) -> bool {
        self.0
            .judged
            .get()
            .is_some_and(|judged| judged.passes_access_rules)
    }

    /// What the sign-up rule of the issuer's policy said of the token.
    pub(crate) fn passes_sign_up_rule(&self) -> bool {
        self.0
            .judged
            .get()
            .is_some_and(|judged| judged.passes_sign_up_rule)
    }

    /// Returns which claims the subject was read from: `/sub`, `/tid+/oid`.
    #[must_use]
    pub fn subject_strategy(&self) -> &str {
        &self.0.origin.subject_strategy
    }

    /// The token itself: a live credential that leaves this crate for its own issuer only.
    #[inline]
    pub(crate) fn token(&self) -> &str {
        self.0.profile.token()
    }

    /// Returns the key under which this identity is found or created.
    #[must_use]
    #[inline]
    pub fn key(&self) -> IdentityKey {
        self.0.key
    }

    /// Returns the tenant, `""` when the issuer has none.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.0.tenant
    }

    /// Returns the canonical issuer: the configured one, also when the token named an alias.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.origin.issuer
    }

    /// Returns the subject, byte for byte as the issuer's subject strategy found it.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.0.profile.subject()
    }

    /// Returns what stands behind the token.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.0.kind
    }

    /// Returns the e-mail address the token carries, vouched for or not.
    ///
    /// Never a key to find a user by: see [`vouched_email`](Self::vouched_email).
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.0.email.as_ref()
    }

    /// Returns the e-mail address if the issuer vouches for it.
    ///
    /// It does when the same signed document says so (`email_verified` is JSON `true`; OpenID
    /// Connect Core 1.0 section 5.1) or the operator declared it authoritative for the domain.
    /// An absent flag and the string `"true"` are no voucher.
    #[must_use]
    pub fn vouched_email(&self) -> Option<&Email> {
        self.email().filter(|_| self.0.email_is_vouched)
    }

    /// Returns the display name.
    #[must_use]
    pub fn full_name(&self) -> Option<&str> {
        self.0.profile.full_name()
    }

    /// Returns the user name: for display only, issuers let people change it.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.0.profile.username()
    }

    /// Returns the application roles the token grants.
    #[must_use]
    pub fn roles(&self) -> &RoleClaim {
        &self.0.roles
    }

    /// Returns the scopes the token carries (RFC 6749 section 3.3).
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.profile.scopes()
    }

    /// Returns the client the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.profile.client_id()
    }

    /// Returns when the token was issued (`iat`), in milliseconds since the Unix epoch.
    #[must_use]
    #[inline]
    pub fn issued_at(&self) -> Option<i64> {
        self.0.issued_at
    }

    /// Returns when the token expires (`exp`), in milliseconds since the Unix epoch, without leeway.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.0.expires_at
    }

    /// Returns the policy of the issuer, as it was when the token was verified.
    #[must_use]
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.0.origin.policy
    }

    /// Reads the token's claims into a type of the application's own.
    ///
    /// The claims are decoded at each call rather than kept in memory beside the token; call it
    /// where a claim is needed that [`ClaimMap`](crate::ClaimMap) does not map.
    ///
    /// # Errors
    ///
    /// If the claims do not fit `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        serde_json::from_slice(&payload_of(self.token()))
    }
}

/// Shows the key, the issuer and the kind; nothing personal, and never the token.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("key", &self.0.key)
            .field("issuer", &self.0.origin.issuer)
            .field("kind", &self.0.kind)
            .finish_non_exhaustive()
    }
}
