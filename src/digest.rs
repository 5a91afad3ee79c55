//! SHA-256 over several strings, and its hexadecimal form.

use sha2::{Digest, Sha256};

/// Returns the SHA-256 of length-prefixed parts, so that two different lists of parts never have
/// the same input.
pub(crate) fn digest<const N: usize>(parts: [&str; N]) -> [u8; 32] {
    let mut hasher = Sha256::new();
    for part in parts {
        hasher.update((part.len() as u64).to_be_bytes());
        hasher.update(part);
    }
    hasher.finalize().into()
}

/// Returns lower-case hexadecimal digits. Runs for 32 bytes or more on every cold request.
pub(crate) fn hex(bytes: &[u8]) -> String {
    let digit = |nibble: u8| char::from(b"0123456789abcdef"[usize::from(nibble)]);
    let mut text = String::with_capacity(2 * bytes.len());
    for byte in bytes {
        text.push(digit(byte >> 4));
        text.push(digit(byte & 15));
    }
    text
}
