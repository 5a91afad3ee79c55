//! The configuration of a verifier.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    issuer_config::IssuerConfig,
    values::{Scalar, number},
};
use crate::verifier::{build_error::Faults, trusted_issuer::TrustedIssuer};

/// Configuration that [`JwtVerifier::from_config`](crate::JwtVerifier::from_config) reads.
///
/// The table `issuers` has an entry for each issuer, with these keys:
///
/// | key | meaning |
/// |---|---|
/// | `issuer` | the `iss`, byte for byte; required |
/// | `aliases` | other values of `iss` |
/// | `audience`, `client_ids` or `authorized_parties` | [`Audience`]; one of them is required |
/// | `jwks_url`, `jwks`, `pem` or `hmac_secret` | [`KeySource`]; default: discovery |
/// | `algorithms`, `token_types`, `allow_id_tokens`, `leeway_seconds`, `max_age_seconds`, `required_scopes`, `required_claims`, `tenant`, `tenants` | as the methods of [`TrustedIssuer`] |
/// | `preset` | a name of [`ClaimMap::names`]; default: `oidc` |
/// | `role_claims`, `authoritative_domains` | [`ClaimMap::add_roles`], [`ClaimMap::with_authoritative_domains`] of `/email` |
/// | `sign_up` | `open`, `closed` or `pending_approval` |
/// | `sign_up_email_domains` | sign-up [by rule](crate::policy::Rule::email_domain); excludes `sign_up` |
/// | `linking` | `never` or `verified_email` |
/// | `roles` | a table from the issuer's roles to the application's |
/// | `trusted_email_sources`, `allow_services`, `allow_public_sign_up`, `allow_anonymous_users`, `require_role`, `max_users`, `max_sign_ups_per_minute` | as the methods of [`IssuerPolicy`](crate::IssuerPolicy) |
/// | `access_roles` | roles of the application; every token must have one of them |
/// | `sync` | a table from `email`, `full_name`, `username` to `always`, `create_only`, `never` or `when_present` |
/// | `refresh_seconds`, `cool_down_seconds`, `max_stale_seconds`, `fetch_timeout_seconds`, `fetch_wait_seconds`, `fetch_max_bytes`, `fetch_max_keys` | [`KeyRefresh`] |
///
/// Beside it, `cache_capacity` is in bytes. An unknown key is a deserialization error.
///
/// A number or a switch may be text, and a list may be a single value, so that environment variables
/// such as `APP__ISSUERS__STAFF__LEEWAY_SECONDS=30` work.
///
/// Faults refer to an issuer by its name in the configuration:
///
/// ```
/// use tower_jit_provisioning::{JwtVerifier, VerifierConfig};
///
/// let config: VerifierConfig = serde_json::from_str(
///     r#"{
///         "issuers": {
///             "staff": {
///                 "issuer": "https://id.example.com/realms/staff",
///                 "preset": "keykloak",
///                 "jwks": "{\"keys\":[]}",
///                 "leeway_seconds": 3600
///             }
///         }
///     }"#,
/// )?;
/// let error = JwtVerifier::from_config(config).unwrap_err();
/// let faults = error.faults().iter();
/// let labels: Vec<_> = faults.map(|fault| (fault.issuer(), fault.kind().as_str())).collect();
/// assert_eq!(
///     labels,
///     [
///         ("staff", "unknown_preset"),
///         ("staff", "no_audience"),
///         ("staff", "excessive_leeway"),
///         ("staff", "no_keys"),
///     ]
/// );
/// # Ok::<_, serde_json::Error>(())
/// ```
///
/// [`Audience`]: crate::Audience
/// [`ClaimMap::add_roles`]: crate::ClaimMap::add_roles
/// [`ClaimMap::names`]: crate::ClaimMap::names
/// [`ClaimMap::with_authoritative_domains`]: crate::ClaimMap::with_authoritative_domains
/// [`KeyRefresh`]: crate::verifier::KeyRefresh
/// [`KeySource`]: crate::KeySource
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierConfig {
    issuers: BTreeMap<String, IssuerConfig>,
    cache_capacity: Option<Scalar>,
}

impl VerifierConfig {
    /// Reads every issuer. A value that cannot be read adds a fault, and reading continues.
    pub(in crate::verifier) fn read(
        self,
        faults: &mut Faults,
    ) -> (Vec<TrustedIssuer>, Option<u64>) {
        let capacity = self.cache_capacity.as_ref();
        let capacity = capacity.and_then(|scalar| number("", "cache_capacity", scalar, faults));
        let issuers = self
            .issuers
            .into_iter()
            .map(|(name, issuer)| issuer.read(&name, faults).with_name(name))
            .collect();
        (issuers, capacity)
    }
}
