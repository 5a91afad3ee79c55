//! E-mail addresses as this crate compares them.

use std::fmt;

use crate::digest::{digest, hex};

/// The maximum length of an address, in bytes: RFC 5321 section 4.5.3.1.3 allows a path of 256
/// bytes, angle brackets included.
const MAX_LENGTH: usize = 254;

/// An e-mail address with exactly one `@`, and without characters that databases or mail headers
/// interpret in different ways.
///
/// Refuses the forms that have led to attacks on other systems: a second `@` (GHSA-c5c4-8r6x-56w3),
/// quoted local parts, white space and control characters. Comparison folds ASCII letters only,
/// because folding Unicode merges different mailboxes (CVE-2019-19844).
///
/// ```
/// use tower_jit_provisioning::Email;
///
/// let email = Email::parse("Ana@Example.com").unwrap();
/// assert_eq!(email.as_str(), "Ana@Example.com");
/// assert_eq!(email.domain(), "Example.com");
/// assert_eq!(email.key(""), Email::parse("ana@example.com").unwrap().key(""));
/// assert!(Email::parse("ana@evil.example@example.com").is_none());
/// ```
#[derive(Clone, Eq, PartialEq)]
pub struct Email(Box<str>);

impl Email {
    /// Parses an address of at most 254 bytes. `None` means that the text is not an address.
    #[must_use]
    pub fn parse(address: &str) -> Option<Self> {
        let (local, domain) = address.split_once('@')?;
        let is_plain = |part: &str| {
            !part.is_empty()
                && part.chars().all(|character| {
                    !character.is_control()
                        && !character.is_whitespace()
                        && !matches!(
                            character,
                            '@' | '"' | '<' | '>' | '(' | ')' | ',' | ';' | ':' | '\\'
                        )
                })
        };
        let is_address = address.len() <= MAX_LENGTH
            && is_plain(local)
            && is_plain(domain)
            && !domain.starts_with('.')
            && !domain.ends_with('.');
        is_address.then(|| Self(address.into()))
    }

    /// Returns the address as it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Returns the part after the `@`, in its original case.
    #[must_use]
    pub fn domain(&self) -> &str {
        self.0.split_once('@').map_or("", |(_, domain)| domain)
    }

    /// Returns the key of this address in a tenant. At most one user has this address verified.
    ///
    /// The key is 64 lower-case hexadecimal digits: the SHA-256 of the length-prefixed tenant and
    /// the address with its ASCII letters in lower case.
    #[must_use]
    pub fn key(&self, tenant: &str) -> String {
        hex(&digest([tenant, &self.0.to_ascii_lowercase()]))
    }
}

/// Hides the address, which is personal data.
impl fmt::Debug for Email {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Email(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ambiguous_addresses_are_refused() {
        for address in [
            "",
            "@",
            "ana",
            "ana@",
            "@example.com",
            "a@b@example.com",
            "\"a b\"@example.com",
            "ana @example.com",
            "ana@example.com\0",
            "ana@example.com\r\nBcc: x@y.z",
            "<ana@example.com>",
            "ana@.example.com",
            "ana@example.com.",
            "ana@example.com,eve@example.com",
        ] {
            assert!(Email::parse(address).is_none(), "{address:?}");
        }
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(243))).is_none());
        assert!(Email::parse(&format!("{}@example.com", "a".repeat(242))).is_some());
    }

    #[test]
    fn only_ascii_letters_fold() {
        let key = |address: &str| Email::parse(address).unwrap().key("");
        assert_eq!(key("ANA@EXAMPLE.COM"), key("ana@example.com"));
        // U+212A KELVIN SIGN lower-cases to "k" under Unicode rules.
        assert_ne!(key("mi\u{212a}e@example.com"), key("mike@example.com"));
        assert_ne!(key("jos\u{e9}@example.com"), key("jose@example.com"));
        assert_ne!(key("JOS\u{c9}@example.com"), key("jos\u{e9}@example.com"));
    }

    #[test]
    fn the_same_address_in_two_tenants_has_two_keys() {
        let email = Email::parse("ana@example.com").unwrap();
        assert_ne!(email.key(""), email.key("acme"));
    }
}
