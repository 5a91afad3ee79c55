//! Who a verified token speaks for.
//!
//! An [`Identity`] is evidence: only a [`JwtVerifier`](crate::JwtVerifier) makes one, after every
//! check on the token has passed. Whoever holds one need not check anything again, except what
//! only the application knows (is this user still active?), and that is a
//! [`Provisioner`](crate::Provisioner)'s work.

use std::{
    fmt,
    hash::{BuildHasher, Hasher, RandomState},
    sync::{Arc, LazyLock, OnceLock},
};

use serde::de::DeserializeOwned;
use sha2::{Digest, Sha256};

use crate::{email::Email, provisioner::IssuerPolicy, verifier::payload_of};

/// The key under which an identity is stored, cached and published.
///
/// SHA-256 over the length-prefixed tenant, canonical issuer and subject. Hashing makes every
/// database collation, padding and index-length rule irrelevant: two subjects that differ in one
/// byte, in case or in a trailing space are two people on every backend, and `("a", "bc")` never
/// equals `("ab", "c")`.
///
/// ```
/// use tower_jit_provisioning::IdentityKey;
///
/// let ana = IdentityKey::new("", "https://id.example.com", "ana");
/// assert_ne!(ana, IdentityKey::new("", "https://id.example.com", "Ana"));
/// assert_ne!(ana, IdentityKey::new("", "https://id.example.co", "mana"));
/// assert_eq!(ana.to_string().len(), 64);
/// ```
#[derive(Clone, Copy, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct IdentityKey([u8; 32]);

impl IdentityKey {
    /// Derives the key of a subject at an issuer, inside a tenant (`""` when there are none).
    #[must_use]
    pub fn new(tenant: &str, issuer: &str, subject: &str) -> Self {
        Self(digest([tenant, issuer, subject]))
    }

    /// Parses the 64 lower-case hexadecimal digits that [`Display`](fmt::Display) writes.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let mut key = [0; 32];
        let digit = |byte: u8| match byte {
            b'0'..=b'9' => Some(byte - b'0'),
            b'a'..=b'f' => Some(byte - b'a' + 10),
            _ => None,
        };
        if text.len() != 2 * key.len() {
            return None;
        }
        for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks_exact(2)) {
            *byte = digit(pair[0])? << 4 | digit(pair[1])?;
        }
        Some(Self(key))
    }

    /// Returns the 32 bytes of the digest.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

/// Writes 64 lower-case hexadecimal digits, the form the bundled tables store.
impl fmt::Display for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex(&self.0))
    }
}

impl fmt::Debug for IdentityKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "IdentityKey({self})")
    }
}

/// SHA-256 over length-prefixed parts: no two different lists of parts share an input.
pub(crate) fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Lower-case hexadecimal digits; every cold request writes 64 or more.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}

/// The value of `issuer_key` for an issuer: 64 lower-case hexadecimal digits.
#[must_use]
pub fn issuer_key(issuer: &str) -> String {
    hex(&digest([issuer]))
}

/// An identity, and a keyed digest of everything that policy and mapping read from its token: what a
/// provisioning verdict depends on. Times are left out, or no two tokens would share one.
pub(crate) type Evidence = (IdentityKey, [u8; 16]);

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

struct Inner {
    verified: Verified,
    /// Set once, before anybody but the policy's own rules sees the identity.
    judged: OnceLock<Judged>,
}

/// What the issuer's rules say of the token, and what a provisioning verdict depends on.
struct Judged {
    passes_access_rules: bool,
    passes_sign_up_rule: bool,
    digest: [u8; 16],
}

/// What the verifier hands over. Only `verifier` fills it.
pub(crate) struct Verified {
    pub(crate) key: IdentityKey,
    pub(crate) tenant: Arc<str>,
    pub(crate) issuer: Arc<str>,
    pub(crate) subject: Box<str>,
    /// Which claims the subject was read from.
    pub(crate) subject_strategy: Arc<str>,
    pub(crate) kind: PrincipalKind,
    pub(crate) email: Option<Email>,
    pub(crate) email_is_vouched: bool,
    pub(crate) full_name: Option<Box<str>>,
    pub(crate) username: Option<Box<str>>,
    pub(crate) roles: RoleClaim,
    pub(crate) scopes: Box<[Box<str>]>,
    pub(crate) client_id: Option<Box<str>>,
    pub(crate) issued_at: Option<i64>,
    pub(crate) expires_at: i64,
    pub(crate) policy: Arc<IssuerPolicy>,
    pub(crate) token: Arc<str>,
    /// Which configuration mapped the token: a reload is a new one.
    pub(crate) generation: u64,
}

impl Verified {
    /// Keyed with a secret of the process: what a token says cannot be aimed at another's digest.
    fn digest(&self, verdicts: [bool; 2]) -> [u8; 16] {
        static SECRET: LazyLock<[u64; 4]> =
            LazyLock::new(|| std::array::from_fn(|_| RandomState::new().build_hasher().finish()));
        let mut hasher = Sha256::new();
        let mut add = |part: &[u8]| {
            hasher.update((part.len() as u64).to_be_bytes());
            hasher.update(part);
        };
        SECRET.iter().for_each(|word| add(&word.to_be_bytes()));
        add(&self.generation.to_be_bytes());
        add(self.kind.as_str().as_bytes());
        add(&[u8::from(self.email_is_vouched)]);
        add(&verdicts.map(u8::from));
        let texts = [
            self.email.as_ref().map(Email::as_str),
            self.full_name.as_deref(),
            self.username.as_deref(),
            self.client_id.as_deref(),
        ];
        for text in texts {
            add(&[u8::from(text.is_some())]);
            add(text.unwrap_or_default().as_bytes());
        }
        add(match &self.roles {
            RoleClaim::Absent => b"absent",
            RoleClaim::Present(_) => b"present",
            RoleClaim::Truncated => b"truncated",
        });
        let roles = self.roles.as_slice();
        add(&(roles.len() as u64).to_be_bytes());
        roles.iter().for_each(|role| add(role.as_bytes()));
        add(&(self.scopes.len() as u64).to_be_bytes());
        self.scopes.iter().for_each(|scope| add(scope.as_bytes()));
        let digest: [u8; 32] = hasher.finalize().into();
        std::array::from_fn(|index| digest[index])
    }
}

impl Identity {
    pub(crate) fn new(verified: Verified) -> Self {
        let identity = Self(Arc::new(Inner {
            verified,
            judged: OnceLock::new(),
        }));
        let policy = identity.policy();
        let verdicts = [policy.admits(&identity), policy.lets_sign_up(&identity)];
        let [passes_access_rules, passes_sign_up_rule] = verdicts;
        identity.0.judged.get_or_init(|| Judged {
            passes_access_rules,
            passes_sign_up_rule,
            digest: identity.0.verified.digest(verdicts),
        });
        identity
    }

    /// Roughly the bytes this identity holds beside its token.
    pub(crate) fn footprint(&self) -> usize {
        let verified = &self.0.verified;
        let texts = [&verified.full_name, &verified.username, &verified.client_id];
        let texts = texts.into_iter().flatten().map(|text| text.len());
        let scopes = verified
            .scopes
            .iter()
            .map(|scope| size_of::<Box<str>>() + scope.len());
        let roles = verified.roles.as_slice().iter();
        let roles = roles.map(|role| size_of::<String>() + role.len());
        let email = verified
            .email
            .as_ref()
            .map_or(0, |email| email.as_str().len());
        size_of::<Inner>()
            + verified.subject.len()
            + email
            + texts.chain(scopes).chain(roles).sum::<usize>()
    }

    /// What a provisioning verdict on this identity depends on.
    pub(crate) fn evidence(&self) -> Evidence {
        let digest = self.0.judged.get().map(|judged| judged.digest);
        (self.0.verified.key, digest.unwrap_or_default())
    }

    /// What the access rules of the issuer's policy said of the token.
    pub(crate) fn passes_access_rules(&self) -> bool {
        let judged = self.0.judged.get();
        judged.is_some_and(|judged| judged.passes_access_rules)
    }

    /// What the sign-up rule of the issuer's policy said of the token.
    pub(crate) fn passes_sign_up_rule(&self) -> bool {
        let judged = self.0.judged.get();
        judged.is_some_and(|judged| judged.passes_sign_up_rule)
    }

    /// Returns which claims the subject was read from: `/sub`, `/tid+/oid`.
    #[must_use]
    pub fn subject_strategy(&self) -> &str {
        &self.0.verified.subject_strategy
    }

    /// The token itself: a live credential that leaves this crate for its own issuer only.
    pub(crate) fn token(&self) -> &Arc<str> {
        &self.0.verified.token
    }

    /// Returns the key under which this identity is found or created.
    #[must_use]
    pub fn key(&self) -> IdentityKey {
        self.0.verified.key
    }

    /// Returns the tenant, `""` when the issuer has none.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.0.verified.tenant
    }

    /// Returns the canonical issuer: the configured one, also when the token named an alias.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.0.verified.issuer
    }

    /// Returns the subject, byte for byte as the issuer's subject strategy found it.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.0.verified.subject
    }

    /// Returns what stands behind the token.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.0.verified.kind
    }

    /// Returns the e-mail address the token carries, vouched for or not.
    ///
    /// Never a key to find a user by: see [`vouched_email`](Self::vouched_email).
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.0.verified.email.as_ref()
    }

    /// Returns the e-mail address if the issuer vouches for it.
    ///
    /// It does when the same signed document says so (`email_verified` is JSON `true`; OpenID
    /// Connect Core 1.0 section 5.1) or the operator declared it authoritative for the domain.
    /// An absent flag and the string `"true"` are no voucher.
    #[must_use]
    pub fn vouched_email(&self) -> Option<&Email> {
        self.email().filter(|_| self.0.verified.email_is_vouched)
    }

    /// Returns the display name.
    #[must_use]
    pub fn full_name(&self) -> Option<&str> {
        self.0.verified.full_name.as_deref()
    }

    /// Returns the user name: for display only, issuers let people change it.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.0.verified.username.as_deref()
    }

    /// Returns the application roles the token grants.
    #[must_use]
    pub fn roles(&self) -> &RoleClaim {
        &self.0.verified.roles
    }

    /// Returns the scopes the token carries (RFC 6749 section 3.3).
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.0.verified.scopes.iter().map(AsRef::as_ref)
    }

    /// Returns the client the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.0.verified.client_id.as_deref()
    }

    /// Returns when the token was issued (`iat`), in milliseconds since the Unix epoch.
    #[must_use]
    pub fn issued_at(&self) -> Option<i64> {
        self.0.verified.issued_at
    }

    /// Returns when the token expires (`exp`), in milliseconds since the Unix epoch, without leeway.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.0.verified.expires_at
    }

    /// Returns the policy of the issuer, as it was when the token was verified.
    #[must_use]
    pub fn policy(&self) -> &Arc<IssuerPolicy> {
        &self.0.verified.policy
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
        serde_json::from_slice(&payload_of(&self.0.verified.token))
    }
}

/// Shows the key, the issuer and the kind; nothing personal, and never the token.
impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Identity")
            .field("key", &self.0.verified.key)
            .field("issuer", &self.0.verified.issuer)
            .field("kind", &self.0.verified.kind)
            .finish_non_exhaustive()
    }
}
