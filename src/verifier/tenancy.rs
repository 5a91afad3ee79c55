//! The tenant that an issuer's users belong to.

use std::sync::Arc;

use super::{build_error::Faults, build_fault_kind::BuildFaultKind};
use crate::{
    claims::{ClaimMap, Object},
    error::TokenFault,
};

/// The longest tenant, in bytes: the width of the column in the bundled tables.
const MAX_TENANT: usize = 64;

/// The tenants of an issuer: one for all users, or the one that each token names.
#[derive(Clone, Debug)]
pub(super) enum Tenancy {
    /// The claim names one of these. The list is closed: otherwise, every user who can sign up at
    /// the issuer could create tenants.
    Claim(Vec<Arc<str>>),
    /// All users belong to this tenant; the empty string is no tenant.
    Fixed(Arc<str>),
}

impl Default for Tenancy {
    fn default() -> Self {
        Self::fixed("")
    }
}

impl Tenancy {
    pub(super) fn fixed(tenant: impl Into<String>) -> Self {
        Self::Fixed(tenant.into().into())
    }

    pub(super) fn from_claim<I>(allowed: I) -> Self
    where
        I: IntoIterator,
        I::Item: Into<String>,
    {
        Self::Claim(
            allowed
                .into_iter()
                .map(|tenant| tenant.into().into())
                .collect(),
        )
    }

    /// Returns every possible tenant.
    pub(super) fn tenants(&self) -> &[Arc<str>] {
        match self {
            Self::Claim(allowed) => allowed,
            Self::Fixed(tenant) => std::slice::from_ref(tenant),
        }
    }

    pub(super) fn needs_claim(&self) -> bool {
        matches!(self, Self::Claim(_))
    }

    pub(super) fn check(&self, issuer: &str, faults: &mut Faults) {
        let tenants = self.tenants();
        if tenants.is_empty() {
            faults.add(BuildFaultKind::NoTenants, issuer, "no tenant is allowed");
        }
        for tenant in tenants {
            // In a list of allowed tenants, an empty string is a setting without a value.
            let is_unset = tenant.is_empty() && self.needs_claim();
            if is_unset || tenant.len() > MAX_TENANT || tenant.chars().any(char::is_control) {
                let detail =
                    format!("tenant `{tenant}` is empty, over 64 bytes or has control characters");
                faults.add(BuildFaultKind::InvalidTenant, issuer, detail);
            }
        }
    }

    /// Returns the tenant of a token.
    pub(super) fn tenant(
        &self,
        map: &ClaimMap,
        claims: &Object<'_>,
    ) -> Result<&Arc<str>, TokenFault> {
        match self {
            Self::Claim(allowed) => map
                .tenant(claims)
                .and_then(|named| allowed.iter().find(|tenant| ***tenant == *named))
                .ok_or(TokenFault::Tenant),
            Self::Fixed(tenant) => Ok(tenant),
        }
    }
}
