//! The error of a provisioner.

use std::{error::Error as StdError, fmt, sync::Arc};

use super::denial_reason::DenialReason;

/// The reason for which a provisioner returns no user.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum ProvisionError {
    /// The identity's vouched address, or another unique value, belongs to another user.
    Conflict,
    /// Policy refuses the subject.
    Denied(DenialReason),
    /// The token was issued before the user's tokens were revoked. Unlike a denial, it is a fault
    /// of the token: a new token may pass.
    Revoked,
    /// The store failed or did not respond in time.
    Unavailable(Arc<dyn StdError + Send + Sync>),
}

impl ProvisionError {
    /// Creates [`Unavailable`](Self::Unavailable) from the store's error.
    pub fn unavailable(cause: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        Self::Unavailable(Arc::from(cause.into()))
    }

    /// Returns the stable label: `conflict`, `revoked`, `store`, or the label of the denial.
    #[must_use]
    pub fn reason(&self) -> &'static str {
        match self {
            Self::Conflict => "conflict",
            Self::Denied(reason) => reason.as_str(),
            Self::Revoked => "revoked",
            Self::Unavailable(_) => "store",
        }
    }
}

impl From<DenialReason> for ProvisionError {
    fn from(reason: DenialReason) -> Self {
        Self::Denied(reason)
    }
}

impl fmt::Display for ProvisionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Conflict => "a unique value belongs to another user",
            Self::Denied(_) => "policy refuses the subject",
            Self::Revoked => "the token was revoked",
            Self::Unavailable(_) => "the user store is unavailable",
        })
    }
}

impl StdError for ProvisionError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Unavailable(cause) => Some(&**cause),
            Self::Conflict | Self::Denied(_) | Self::Revoked => None,
        }
    }
}
