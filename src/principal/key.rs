//! The key of an identity in stores, caches and buses.

use std::fmt;

use crate::digest::{digest, hex};

/// The key under which an identity is stored, cached and published.
///
/// The key is the SHA-256 of the length-prefixed tenant, canonical issuer and subject. Hashing
/// makes every database collation, padding and index-length rule irrelevant: subjects that differ
/// in one byte, in case or in a trailing space have different keys on every backend, and
/// `("a", "bc")` never equals `("ab", "c")`.
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
    /// Derives the key of a subject at an issuer in a tenant, which is `""` without tenants.
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

/// Writes 64 lower-case hexadecimal digits, as stored in the bundled tables.
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

/// Returns the value of column `issuer_key` for an issuer: 64 lower-case hexadecimal digits.
pub(crate) fn issuer_key(issuer: &str) -> String {
    hex(&digest([issuer]))
}
