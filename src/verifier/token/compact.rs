//! The compact form of a token: three base64url parts.

use base64::{Engine, engine::general_purpose::URL_SAFE_NO_PAD};

use crate::error::TokenFault;

/// The longest token, in bytes.
const MAX_TOKEN: usize = 16 * 1024;

/// A JWS in compact serialization (RFC 7515 section 7.1), split but not decoded.
pub(super) struct Compact<'t> {
    pub(super) header: &'t str,
    pub(super) payload: &'t str,
    pub(super) signature: &'t str,
    /// The signed bytes: header, dot and payload.
    pub(super) message: &'t str,
}

impl<'t> Compact<'t> {
    pub(super) fn split(token: &'t str) -> Result<Self, TokenFault> {
        if token.len() > MAX_TOKEN {
            return Err(TokenFault::TooLarge);
        }
        // A fold without early exit, so that the compiler checks sixteen bytes at once.
        let is_other = |byte: u8| {
            !(byte.is_ascii_alphanumeric() | (byte == b'-') | (byte == b'_') | (byte == b'.'))
        };
        if token.bytes().fold(false, |any, byte| any | is_other(byte)) {
            return Err(TokenFault::Malformed);
        }
        let (message, signature) = token.rsplit_once('.').ok_or(TokenFault::Malformed)?;
        let (header, payload) = message.split_once('.').ok_or(TokenFault::Malformed)?;
        let is_compact = !header.is_empty()
            && !payload.is_empty()
            && !signature.is_empty()
            && !payload.contains('.');
        is_compact
            .then_some(Self {
                header,
                payload,
                signature,
                message,
            })
            .ok_or(TokenFault::Malformed)
    }
}

/// Decodes base64url without padding. Bits set after the last byte are refused, because they would
/// give one token several spellings.
pub(super) fn decode(part: &str) -> Result<Vec<u8>, TokenFault> {
    URL_SAFE_NO_PAD
        .decode(part)
        .map_err(|_| TokenFault::Malformed)
}

/// Rejects text that does not have the form of a token.
pub(in crate::verifier) fn screen(token: &str) -> Result<(), TokenFault> {
    Compact::split(token).map(drop)
}
