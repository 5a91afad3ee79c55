//! The part of a principal that is the same for all tokens of one issuer.

use std::sync::Arc;

/// The data that all principals of one issuer share.
pub(crate) struct Origin {
    pub(crate) issuer: Arc<str>,
    /// The claims that the subject is read from.
    pub(crate) subject_strategy: Arc<str>,
    /// The generation of the configuration that mapped the token. A reload starts a new generation.
    pub(crate) generation: u64,
}
