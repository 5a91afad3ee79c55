//! The subject of one token.

use std::{fmt, sync::Arc};

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};
use serde::de::DeserializeOwned;

use super::{
    key::IdentityKey, kind::PrincipalKind, origin::Origin, principal_parts::PrincipalParts,
    role_claim::RoleClaim, text::Text,
};
use crate::email::Email;

/// The subject of a token, as the token describes it.
///
/// A principal is not evidence: it carries no policy and no proof. [`Identity`](crate::Identity)
/// adds both and dereferences to its principal. A [`Rule`](crate::policy::Rule) is a condition on a
/// principal.
pub struct Principal {
    key: IdentityKey,
    text: Text,
    origin: Arc<Origin>,
    tenant: Arc<str>,
    kind: PrincipalKind,
    email: Option<Email>,
    email_is_vouched: bool,
    roles: RoleClaim,
    issued_at: Option<i64>,
    expires_at: i64,
}

impl Principal {
    pub(crate) fn new(parts: PrincipalParts<'_>) -> Self {
        let names = [parts.full_name, parts.username, parts.client_id];
        let (origin, tenant) = (parts.origin, parts.tenant);
        Self {
            key: IdentityKey::new(tenant, &origin.issuer, parts.subject),
            text: Text::new(parts.token, parts.subject, names, parts.scopes),
            origin: Arc::clone(origin),
            tenant: Arc::clone(tenant),
            kind: parts.kind,
            email: parts.email,
            email_is_vouched: parts.email_is_vouched,
            roles: parts.roles,
            issued_at: parts.issued_at,
            expires_at: parts.expires_at,
        }
    }

    /// Returns whether the principal was read from exactly this token.
    #[inline]
    pub(crate) fn is_of(&self, token: &[u8]) -> bool {
        self.text.is_of(token)
    }

    /// Returns the generation of the configuration that mapped the token.
    pub(crate) fn generation(&self) -> u64 {
        self.origin.generation
    }

    /// Returns the approximate number of bytes on the heap, including the token.
    pub(crate) fn heap_bytes(&self) -> usize {
        let roles = self.roles.as_slice().iter();
        let roles = roles.map(|role| size_of::<String>() + role.len());
        let email = self.email().map_or(0, |email| email.as_str().len());
        self.text.footprint() + email + roles.sum::<usize>()
    }

    /// Returns the token, a live credential. This crate sends it to its own issuer only.
    #[inline]
    pub(crate) fn token(&self) -> &str {
        self.text.token()
    }

    /// Returns the claims that the subject was read from, such as `/sub` or `/tid+/oid`.
    #[must_use]
    pub fn subject_strategy(&self) -> &str {
        &self.origin.subject_strategy
    }

    /// Returns the key under which this identity is found or created.
    #[must_use]
    #[inline]
    pub fn key(&self) -> IdentityKey {
        self.key
    }

    /// Returns the tenant, which is `""` if the issuer has no tenants.
    #[must_use]
    pub fn tenant(&self) -> &str {
        &self.tenant
    }

    /// Returns the canonical issuer: the configured one, even if the token's `iss` is an alias.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.origin.issuer
    }

    /// Returns the subject, byte for byte as the issuer's subject strategy reads it.
    #[must_use]
    pub fn subject(&self) -> &str {
        self.text.subject()
    }

    /// Returns the kind of the principal.
    #[must_use]
    pub fn kind(&self) -> PrincipalKind {
        self.kind
    }

    /// Returns the e-mail address in the token, even if the issuer does not vouch for it.
    ///
    /// Never look a user up by this address. See [`vouched_email`](Self::vouched_email).
    #[must_use]
    pub fn email(&self) -> Option<&Email> {
        self.email.as_ref()
    }

    /// Returns the e-mail address if the issuer vouches for it.
    ///
    /// The issuer vouches for an address if the same signed document says so (`email_verified` is
    /// JSON `true`; OpenID Connect Core 1.0 section 5.1), or if the operator declared the issuer
    /// authoritative for the domain. An absent flag or the string `"true"` does not count.
    #[must_use]
    pub fn vouched_email(&self) -> Option<&Email> {
        self.email().filter(|_| self.email_is_vouched)
    }

    /// Returns the display name.
    #[must_use]
    pub fn full_name(&self) -> Option<&str> {
        self.text.full_name()
    }

    /// Returns the user name. For display only, because issuers let people change it.
    #[must_use]
    pub fn username(&self) -> Option<&str> {
        self.text.username()
    }

    /// Returns the application roles that the token grants.
    #[must_use]
    pub fn roles(&self) -> &RoleClaim {
        &self.roles
    }

    /// Returns the scopes of the token (RFC 6749 section 3.3).
    pub fn scopes(&self) -> impl ExactSizeIterator<Item = &str> {
        self.text.scopes()
    }

    /// Returns the client that the token was issued to.
    #[must_use]
    pub fn client_id(&self) -> Option<&str> {
        self.text.client_id()
    }

    /// Returns when the token was issued (`iat`), in milliseconds since the Unix epoch.
    #[must_use]
    #[inline]
    pub fn issued_at(&self) -> Option<i64> {
        self.issued_at
    }

    /// Returns when the token expires (`exp`), in milliseconds since the Unix epoch, excluding
    /// leeway.
    #[must_use]
    pub fn expires_at(&self) -> i64 {
        self.expires_at
    }

    /// Deserializes the token's claims into `T`.
    ///
    /// Use it for claims that [`ClaimMap`](crate::ClaimMap) does not map. Each call decodes the
    /// claims again, because they are not kept in memory beside the token.
    ///
    /// # Errors
    ///
    /// If the claims cannot be deserialized into `T`.
    pub fn claims<T: DeserializeOwned>(&self) -> Result<T, serde_json::Error> {
        let payload = self.token().split('.').nth(1).unwrap_or_default();
        let payload = URL_SAFE_NO_PAD.decode(payload).unwrap_or_default();
        serde_json::from_slice(&payload)
    }
}

/// Shows the key, the issuer and the kind. Hides the token and all personal data.
impl fmt::Debug for Principal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Principal")
            .field("key", &self.key)
            .field("issuer", &self.origin.issuer)
            .field("kind", &self.kind)
            .finish_non_exhaustive()
    }
}
