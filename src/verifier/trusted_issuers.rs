//! The issuers of one configuration.

use std::{collections::HashMap, sync::Arc};

#[cfg(feature = "sea-orm")]
use super::issuer_terms::IssuerTerms;
use super::{
    build_error::{BuildError, Faults},
    build_fault_kind::BuildFaultKind,
    issuer::Issuer,
    signature,
    trusted_issuer::TrustedIssuer,
};
use crate::clock::Clock;

/// The issuers of one configuration.
pub(super) struct TrustedIssuers {
    /// By issuer and alias.
    by_spelling: HashMap<Box<str>, Arc<Issuer>>,
    /// In the order of the configuration.
    pub(super) issuers: Vec<Arc<Issuer>>,
}

impl TrustedIssuers {
    pub(super) fn build(
        configured: impl IntoIterator<Item = TrustedIssuer>,
        clock: &Clock,
        mut faults: Faults,
    ) -> Result<Self, BuildError> {
        if !signature::HAS_BACKEND {
            let detail = "neither feature `aws-lc-rs` nor `rust-crypto` is enabled";
            faults.add(BuildFaultKind::NoBackend, "", detail);
        }
        let mut seen = HashMap::new();
        let mut issuers = Vec::new();
        for trusted in configured {
            let spellings: Vec<Box<str>> = trusted.spellings().map(Box::from).collect();
            let name = trusted.name().to_owned();
            let issuer = Issuer::parse(trusted, clock, &mut faults).map(Arc::new);
            issuers.extend(issuer.clone());
            for spelling in spellings {
                let detail = format!("`{spelling}` is configured twice");
                if seen.insert(spelling, issuer.clone()).is_some() {
                    faults.add(BuildFaultKind::DuplicateIssuer, &name, detail);
                }
            }
        }
        if seen.is_empty() {
            faults.add(BuildFaultKind::NoIssuers, "", "no issuer is configured");
        }
        faults.into_result()?;
        let by_spelling = seen
            .into_iter()
            .filter_map(|(spelling, issuer)| Some((spelling, issuer?)))
            .collect();
        Ok(Self {
            by_spelling,
            issuers,
        })
    }

    /// Returns the issuer with exactly this `iss`.
    pub(super) fn find(&self, iss: &str) -> Option<&Issuer> {
        self.by_spelling.get(iss).map(Arc::as_ref)
    }

    /// Returns every trusted value of `iss`, sorted.
    pub(super) fn spellings(&self) -> Vec<&str> {
        let mut spellings: Vec<_> = self.by_spelling.keys().map(AsRef::as_ref).collect();
        spellings.sort_unstable();
        spellings
    }

    /// Copies the fetched keys of the issuers that are in both configurations.
    pub(super) fn adopt(&self, old: &Self) {
        for issuer in &self.issuers {
            if let Some(before) = old.find(issuer.name()) {
                issuer.keys.adopt(&before.keys);
            }
        }
    }

    /// Withdraws all keys, which invalidates every cached token verified with them.
    pub(super) fn withdraw(&self) {
        self.issuers
            .iter()
            .for_each(|issuer| issuer.keys.withdraw());
    }

    /// Returns the settings that determine identity keys, for each issuer in the order of the
    /// configuration.
    #[cfg(feature = "sea-orm")]
    pub(super) fn terms(&self) -> Vec<IssuerTerms> {
        let aliases = |issuer: &Arc<Issuer>| {
            let spellings = self.by_spelling.iter();
            let of_issuer = spellings.filter(|(spelling, named)| {
                Arc::ptr_eq(named, issuer) && ***spelling != *issuer.name()
            });
            of_issuer.map(|(spelling, _)| spelling.clone()).collect()
        };
        let issuers = self.issuers.iter();
        issuers
            .map(|issuer| IssuerTerms {
                issuer: Arc::clone(&issuer.origin.issuer),
                aliases: aliases(issuer),
                tenants: issuer.tenancy.tenants().to_vec(),
                tenant_is_claimed: issuer.tenancy.needs_claim(),
                subject_strategy: Arc::clone(&issuer.origin.subject_strategy),
            })
            .collect()
    }
}
