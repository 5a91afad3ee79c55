//! The library's errors, as far as the files under test use them.

use real_std::{error::Error as StdError, sync::Arc};

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

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum TokenFault {
    Algorithm,
    Key,
}

#[derive(Clone, Debug)]
pub enum ProvisionError {
    Conflict,
    Denied(DenialReason),
    Revoked,
    Unavailable(Arc<dyn StdError + Send + Sync>),
}

impl ProvisionError {
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(cause.into()))
    }
}

#[derive(Clone, Copy, Debug)]
pub enum DenialReason {
    Deactivated,
    Deleted,
}
