//! The hash of an issuer's name that the tables store.

use crate::principal;

/// Returns the value of column `issuer_key` for an issuer: SHA-256 in 64 lower-case hexadecimal
/// digits.
///
/// ```
/// use tower_jit_provisioning::sea_orm::issuer_key;
///
/// assert_eq!(issuer_key("https://id.example.com").len(), 64);
/// assert_ne!(issuer_key("https://id.example.com"), issuer_key("https://id.example.com/"));
/// ```
#[must_use]
pub fn issuer_key(issuer: &str) -> String {
    principal::issuer_key(issuer)
}
