//! Comparison of the configured issuers with the stored identities.
//!
//! An identity's key is a hash of tenant, canonical issuer and subject. If an issuer's
//! configuration changes one of them, no stored identity matches any more, and each user would be
//! created a second time at the next request. [`SeaOrmProvisioner::check_issuers`] detects this
//! before the first request.
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
    /// Checks that every issuer's tenants and subject strategy match its stored identities, and
    /// that no identities are stored under one of its aliases.
    ///
    /// Call this at startup, after the migrations and before the first request, and with the new
    /// configuration before a [reload](JwtVerifier::reload). It reads the identities of every
    /// trusted issuer once. It ignores issuers that are no longer trusted: their users remain
    /// stored, and no token is accepted for them. It also ignores erased identities and identities
    /// without a recorded subject strategy.
    ///
    /// If the tenant comes from a claim, a stored tenant may be missing from the configured list,
    /// as long as at least one stored tenant is listed.
    ///
    /// # Errors
    ///
    /// [`CheckError::Drift`] with every difference: restore the configuration or relink the
    /// identities. [`CheckError::Store`] if the identities cannot be read.
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
            // Erasure clears the issuer.
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

/// The tenants and subject strategies of an issuer's stored identities.
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

/// Error of [`SeaOrmProvisioner::check_issuers`].
#[derive(Debug)]
#[non_exhaustive]
pub enum CheckError {
    /// The configuration does not match the stored identities.
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
        f.write_str("the configuration does not match the stored identities: ")?;
        for drift in drifts {
            write!(f, "{drift}; ")?;
        }
        f.write_str("restore the configuration or relink the identities")
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

/// A difference between an issuer's configuration and its stored identities.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Drift {
    issuer: String,
    kind: DriftKind,
    stored: Vec<String>,
    configured: String,
}

/// The kind of a [`Drift`].
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
#[non_exhaustive]
pub enum DriftKind {
    /// Users are stored under an issuer name that is configured as an alias.
    Issuer,
    /// The configuration reads the subject from other claims.
    SubjectStrategy,
    /// Users are stored in tenants that the configuration does not list.
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

    /// Returns the kind of the difference.
    #[must_use]
    pub fn kind(&self) -> DriftKind {
        self.kind
    }

    /// Returns the stored values.
    #[must_use]
    pub fn stored(&self) -> &[String] {
        &self.stored
    }

    /// Returns the configured values, separated by commas.
    #[must_use]
    pub fn configured(&self) -> &str {
        &self.configured
    }
}

impl fmt::Display for Drift {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let difference = match self.kind {
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
            "issuer `{issuer}`: {difference} `{stored}`, but `{configured}` is configured"
        )
    }
}
