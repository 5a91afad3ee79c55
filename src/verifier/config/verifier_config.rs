//! A verifier's configuration as data.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{
    issuer_config::IssuerConfig,
    values::{Scalar, number},
};
use crate::verifier::{build_error::Faults, trusted_issuer::TrustedIssuer};

/// What [`JwtVerifier::from_config`](crate::JwtVerifier::from_config) reads.
///
/// A table `issuers`, each with:
///
/// | key | meaning |
/// |---|---|
/// | `issuer` | exactly its `iss`; required |
/// | `aliases` | other spellings |
/// | `audience`, `client_ids` or `authorized_parties` | [`Audience`]; one of them is required |
/// | `jwks_url`, `jwks`, `pem` or `hmac_secret` | [`KeySource`]; without any, discovery |
/// | `algorithms`, `token_types`, `allow_id_tokens`, `leeway_seconds`, `max_age_seconds`, `required_scopes`, `required_claims`, `tenant`, `tenants` | as the methods of [`TrustedIssuer`] |
/// | `preset` | a name of [`ClaimMap::names`]; `oidc` without |
/// | `role_claims`, `authoritative_domains` | [`ClaimMap::add_roles`], [`ClaimMap::with_authoritative_domains`] of `/email` |
/// | `sign_up` | `open`, `closed` or `pending_approval` |
/// | `sign_up_email_domains` | sign-up [by rule](crate::policy::Rule::email_domain); not beside `sign_up` |
/// | `linking` | `never` or `verified_email` |
/// | `roles` | a table from the issuer's roles to the application's |
/// | `trusted_email_sources`, `allow_services`, `allow_public_sign_up`, `allow_anonymous_users`, `require_role`, `max_users`, `max_sign_ups_per_minute` | as the methods of [`IssuerPolicy`](crate::IssuerPolicy) |
/// | `access_roles` | roles of the application of which every token must state one |
/// | `sync` | a table from `email`, `full_name`, `username` to `always`, `create_only`, `never` or `when_present` |
/// | `refresh_seconds`, `cool_down_seconds`, `max_stale_seconds`, `fetch_timeout_seconds`, `fetch_wait_seconds`, `fetch_max_bytes`, `fetch_max_keys` | [`KeyRefresh`] |
///
/// and `cache_capacity` beside it, in bytes. Unknown keys are errors of deserialization.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct VerifierConfig {
    issuers: BTreeMap<String, IssuerConfig>,
    cache_capacity: Option<Scalar>,
}

impl VerifierConfig {
    /// Reads every issuer; whatever cannot be read is a fault, and the rest is still read.
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
