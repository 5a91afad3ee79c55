//! What the library says of keys.

use crate::verifier::fault::TokenFault;

#[derive(Debug, PartialEq)]
pub enum Error {
    Token(TokenFault),
    Unavailable,
}

impl Error {
    pub fn keys_unavailable() -> Self {
        Self::Unavailable
    }
}

impl From<TokenFault> for Error {
    fn from(fault: TokenFault) -> Self {
        Self::Token(fault)
    }
}
