//! What makes a configuration unusable.

use std::{error::Error as StdError, fmt};

/// Every fault of a configuration, not only the first.
///
/// ```
/// use tower_jit_provisioning::{Audience, JwtVerifier, KeySource, TrustedIssuer};
///
/// let no_audience: [&str; 0] = [];
/// let issuer = TrustedIssuer::new(
///     "http://id.example.com",
///     Audience::from(no_audience),
///     KeySource::jwks("{}"),
/// );
/// let error = JwtVerifier::new([issuer]).unwrap_err();
/// let codes: Vec<_> = error.faults().iter().map(|fault| fault.code()).collect();
/// assert_eq!(codes, ["insecure_issuer", "no_audience", "no_keys"]);
/// ```
#[derive(Clone, Debug)]
pub struct BuildError(Vec<BuildFault>);

impl BuildError {
    /// Returns the faults, in the order of the configuration; there is at least one.
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
    code: &'static str,
    issuer: Box<str>,
    detail: Box<str>,
}

impl BuildFault {
    /// Returns the stable code.
    ///
    /// `ambiguous`, `duplicate_issuer`, `excessive_leeway`, `hmac_with_public_keys`,
    /// `insecure_issuer`, `insecure_key_url`, `invalid_issuer`, `invalid_pointer`, `invalid_tenant`,
    /// `linking_without_voucher`, `mutable_subject`, `no_algorithms`, `no_audience`, `no_backend`,
    /// `no_http_client`, `no_issuers`, `no_keys`, `no_tenant_claim`, `no_tenants`,
    /// `org_authorization_server`, `public_keys_with_hmac`, `public_sign_up`, `unknown_algorithm`,
    /// `unknown_preset`, `unknown_value`, `weak_secret`.
    #[must_use]
    pub fn code(&self) -> &'static str {
        self.code
    }

    /// Returns the issuer it belongs to, as configured; empty for the configuration as a whole.
    #[must_use]
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// Returns what is wrong, with the value the operator wrote. Never a secret.
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
        write!(f, "{} ({})", self.detail, self.code)
    }
}

/// Collects faults while a configuration is read.
#[derive(Default)]
pub(super) struct Faults(Vec<BuildFault>);

impl Faults {
    pub(super) fn add(&mut self, code: &'static str, issuer: &str, detail: impl Into<String>) {
        self.0.push(BuildFault {
            code,
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
