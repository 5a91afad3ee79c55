//! The parts that a principal is made from.

use std::sync::Arc;

use super::{kind::PrincipalKind, origin::Origin, role_claim::RoleClaim};
use crate::email::Email;

/// The parts of a [`Principal`](super::principal::Principal), as a verifier reads them from a
/// token.
pub(crate) struct PrincipalParts<'t> {
    pub(crate) origin: &'t Arc<Origin>,
    pub(crate) tenant: &'t Arc<str>,
    pub(crate) token: &'t str,
    pub(crate) subject: &'t str,
    pub(crate) kind: PrincipalKind,
    pub(crate) email: Option<Email>,
    pub(crate) email_is_vouched: bool,
    pub(crate) full_name: Option<&'t str>,
    pub(crate) username: Option<&'t str>,
    pub(crate) client_id: Option<&'t str>,
    pub(crate) scopes: &'t [&'t str],
    pub(crate) roles: RoleClaim,
    pub(crate) issued_at: Option<i64>,
    pub(crate) expires_at: i64,
}
