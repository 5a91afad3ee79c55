//! The settings of an issuer that determine identity keys.

use std::sync::Arc;

/// The settings of an issuer that determine the keys of its identities.
pub(crate) struct IssuerTerms {
    pub(crate) issuer: Arc<str>,
    pub(crate) aliases: Vec<Box<str>>,
    pub(crate) tenants: Vec<Arc<str>>,
    pub(crate) tenant_is_claimed: bool,
    pub(crate) subject_strategy: Arc<str>,
}
