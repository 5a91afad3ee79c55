//! The faults that make a configuration unusable.

use std::{error::Error as StdError, fmt};

use super::build_fault_kind::BuildFaultKind;

/// Error that lists every fault of a configuration, not only the first.
///
/// ```
/// use tower_jit_provisioning::{
///     Audience, JwtVerifier, KeySource, TrustedIssuer, verifier::BuildFaultKind,
/// };
///
/// let no_audience: [&str; 0] = [];
/// let issuer = TrustedIssuer::new(
///     "http://id.example.com",
///     Audience::from(no_audience),
///     KeySource::jwks("{}"),
/// );
/// let error = JwtVerifier::new([issuer]).unwrap_err();
/// let kinds: Vec<_> = error.faults().iter().map(|fault| fault.kind()).collect();
/// assert_eq!(
///     kinds,
///     [
///         BuildFaultKind::InsecureIssuer,
///         BuildFaultKind::NoAudience,
///         BuildFaultKind::NoKeys,
///     ]
/// );
/// ```
#[derive(Clone, Debug)]
pub struct BuildError(Vec<BuildFault>);

impl BuildError {
    /// Returns the faults, at least one, in the order of the configuration.
    #[must_use]
    pub fn faults(&self) -> &[BuildFault] {
        &self.0
    }
}

impl fmt::Display for BuildError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("unusable configuration")?;
        self.0.iter().enumerate().try_for_each(|(index, fault)| {
            f.write_str(if index == 0 { ": " } else { "; " })?;
            fault.fmt(f)
        })
    }
}

impl StdError for BuildError {}

/// One fault of a configuration.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct BuildFault {
    kind: BuildFaultKind,
    issuer: Box<str>,
    detail: Box<str>,
}

impl BuildFault {
    /// Returns the kind; its [`as_str`](BuildFaultKind::as_str) is a stable label.
    #[must_use]
    pub fn kind(&self) -> BuildFaultKind {
        self.kind
    }

    /// Returns the issuer that has the fault, as configured; empty for a fault of the configuration
    /// as a whole.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns a description, with the value from the configuration. Never contains a secret.
    #[must_use]
    pub fn detail(&self) -> &str {
        &self.detail
    }
}

impl fmt::Display for BuildFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if !self.issuer.is_empty() {
            write!(f, "issuer `{}`: ", self.issuer)?;
        }
        write!(f, "{} ({})", self.detail, self.kind.as_str())
    }
}

/// Collects faults while a configuration is read.
#[derive(Default)]
pub(super) struct Faults(Vec<BuildFault>);

impl Faults {
    pub(super) fn add(&mut self, kind: BuildFaultKind, issuer: &str, detail: impl Into<String>) {
        self.0.push(BuildFault {
            kind,
            issuer: issuer.into(),
            detail: detail.into().into(),
        });
    }

    pub(super) fn into_result(self) -> Result<(), BuildError> {
        match self.0.is_empty() {
            true => Ok(()),
            false => Err(BuildError(self.0)),
        }
    }
}
