//! What an identity's key is made of, as an issuer is configured.

use std::sync::Arc;

/// What an identity's key is made of, as an issuer is configured.
pub(crate) struct IssuerTerms {
    pub(crate) issuer: Arc<str>,
    pub(crate) aliases: Vec<Box<str>>,
    pub(crate) tenants: Vec<Arc<str>>,
    pub(crate) tenant_is_claimed: bool,
    pub(crate) subject_strategy: Arc<str>,
}
