//! Whether a configuration still fits the users it made.
//!
//! Tenant, canonical issuer and subject are what an identity's key is made of. An issuer that is
//! configured otherwise than when its users came makes every one of them a stranger: at the next
//! request each is created a second time. [`SeaOrmProvisioner::check_issuers`] finds out before the
//! first request does.
//!
//! ```no_run
//! use tower_jit_provisioning::{JwtVerifier, sea_orm::SeaOrmProvisioner};
//!
//! # async fn run(verifier: JwtVerifier, users: SeaOrmProvisioner)
//! # -> Result<(), Box<dyn std::error::Error>> {
//! users.check_issuers(&verifier).await?; // before the service listens
//! # Ok(())
//! # }
//! ```

use std::{collections::BTreeSet, error::Error as StdError, fmt};

use sea_orm::{ColumnTrait, DbErr, EntityTrait, QueryFilter, QuerySelect};

use super::{
    entity::user_identities, issuer_key::issuer_key, sea_orm_provisioner::SeaOrmProvisioner,
};
use crate::verifier::{IssuerTerms, JwtVerifier};

impl SeaOrmProvisioner {
    /// Checks that every issuer's tenants and subjects are found as they were when its users came,
    /// and that no users stand under one of its aliases.
    ///
    /// Meant for the start, after the migrations and before the first request, and for the new
    /// configuration before a [reload](JwtVerifier::reload). It reads the identities of every
    /// trusted issuer once. Issuers that are no longer trusted are not looked at: their users stay,
    /// and nobody enters as one of them. Neither are identities that were erased, nor those whose
    /// subject was found before it was recorded how.
    ///
    /// Where tenants come from a claim, users of a tenant that is no longer listed are fine, as long
    /// as some tenant still is.
    ///
    /// # Errors
    ///
    /// [`CheckError::Drift`] with everything that differs. Either the configuration is put back, or
    /// the identities are relinked.
    pub async fn check_issuers(&self, verifier: &JwtVerifier) -> Result<(), CheckError> {
        let mut drifts = Vec::new();
        for terms in verifier.terms() {
            let stored = self.stored(&terms.issuer).await?;
            drifts.extend(stored.drifts(&terms));
            for alias in &terms.aliases {
                if !self.stored(alias).await?.tenants.is_empty() {
                    drifts.push(Drift::new(
                        &terms,
                        DriftKind::Issuer,
                        [&**alias],
                        &terms.issuer,
                    ));
                }
            }
        }
        match drifts.is_empty() {
            true => Ok(()),
            false => Err(CheckError::Drift(drifts)),
        }
    }

    async fn stored(&self, issuer: &str) -> Result<Stored, DbErr> {
        use user_identities::Column;

        let rows: Vec<(String, String)> = user_identities::Entity::find()
            .select_only()
            .column(Column::Tenant)
            .column(Column::SubjectStrategy)
            .distinct()
            .filter(Column::IssuerKey.eq(issuer_key(issuer)))
            // Erased ones are named no more.
            .filter(Column::Issuer.ne(""))
            .into_tuple()
            .all(&self.db)
            .await?;
        let (tenants, mut strategies): (BTreeSet<_>, BTreeSet<_>) = rows.into_iter().unzip();
        strategies.remove("");
        Ok(Stored {
            tenants,
            strategies,
        })
    }
}

/// How the users of an issuer came.
struct Stored {
    tenants: BTreeSet<String>,
    strategies: BTreeSet<String>,
}

impl Stored {
    fn drifts(&self, terms: &IssuerTerms) -> impl Iterator<Item = Drift> {
        let is_listed = |tenant: &String| terms.tenants.iter().any(|listed| **listed == **tenant);
        let tenants_fit = match terms.tenant_is_claimed {
            true => {
                let some_stay = self.tenants.is_empty() || self.tenants.iter().any(is_listed);
                some_stay && !self.tenants.contains("")
            }
            false => self.tenants.iter().all(is_listed),
        };
        let strategy = &*terms.subject_strategy;
        let strategy_fits = self.strategies.iter().all(|stored| stored == strategy);
        let tenants = || {
            let configured = terms.tenants.join(", ");
            let stored = self.tenants.iter().map(String::as_str);
            Drift::new(terms, DriftKind::Tenant, stored, &configured)
        };
        let subject = || {
            let stored = self.strategies.iter().map(String::as_str);
            Drift::new(terms, DriftKind::SubjectStrategy, stored, strategy)
        };
        let tenants = (!tenants_fit).then(tenants);
        tenants.into_iter().chain((!strategy_fits).then(subject))
    }
}

/// Why a configuration could not be found to fit.
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// It does not fit the users who are there.
    Drift(Vec<Drift>),
    /// The identities could not be read.
    Store(DbErr),
}

impl From<DbErr> for CheckError {
    fn from(error: DbErr) -> Self {
        Self::Store(error)
    }
}

impl fmt::Display for CheckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let drifts = match self {
            Self::Drift(drifts) => drifts,
            Self::Store(_) => return f.write_str("the identities could not be read"),
        };
        f.write_str("the configuration does not fit the users who are there: ")?;
        for drift in drifts {
            write!(f, "{drift}; ")?;
        }
        f.write_str("put the configuration back or relink the identities")
    }
}

impl StdError for CheckError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        match self {
            Self::Drift(_) => None,
            Self::Store(error) => Some(error),
        }
    }
}

/// What of an issuer is configured otherwise than when its users came.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Drift {
    issuer: String,
    kind: DriftKind,
    stored: Vec<String>,
    configured: String,
}

/// What differs.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DriftKind {
    /// Users stand under a spelling of the issuer that is an alias now.
    Issuer,
    /// The subject is read from other claims.
    SubjectStrategy,
    /// The users are in tenants that no token leads to.
    Tenant,
}

impl Drift {
    fn new<'s>(
        terms: &IssuerTerms,
        kind: DriftKind,
        stored: impl IntoIterator<Item = &'s str>,
        configured: &str,
    ) -> Self {
        Self {
            issuer: terms.issuer.to_string(),
            kind,
            stored: stored.into_iter().map(str::to_owned).collect(),
            configured: configured.to_owned(),
        }
    }

    /// Returns the canonical issuer.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns what differs.
    #[must_use]
    pub fn kind(&self) -> DriftKind {
        self.kind
    }

    /// Returns what the users were stored with.
    #[must_use]
    pub fn stored(&self) -> &[String] {
        &self.stored
    }

    /// Returns what is configured, separated by commas.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.configured
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let what = match self.kind {
            DriftKind::Issuer => "users are stored under",
            DriftKind::SubjectStrategy => "subjects were read from",
            DriftKind::Tenant => "users are in tenant",
        };
        let stored = self.stored.join("`, `");
        let Self {
            issuer, configured, ..
        } = self;
        write!(
            f,
            "issuer `{issuer}`: {what} `{stored}`, and `{configured}` is configured"
        )
    }
}
