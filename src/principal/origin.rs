//! The part of a principal that all tokens of one issuer share.

use std::sync::Arc;

/// What every identity of one issuer shares.
pub(crate) struct Origin {
    pub(crate) issuer: Arc<str>,
    /// Which claims the subject is read from.
    pub(crate) subject_strategy: Arc<str>,
    /// Which configuration maps the token: a reload is a new one.
    pub(crate) generation: u64,
}
