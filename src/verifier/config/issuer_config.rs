//! One issuer of a configuration.

use std::{collections::BTreeMap, fmt, time::Duration};

use serde::Deserialize;

use super::values::{OneOrMany, Scalar, number, switch};
use crate::{
    claims::ClaimMap,
    verifier::{
        algorithm::Algorithm, audience::Audience, build_error::Faults,
        build_fault_kind::BuildFaultKind, keys::KeyRefresh, trusted_issuer::TrustedIssuer,
    },
};

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct IssuerConfig {
    pub(super) issuer: String,
    #[serde(default)]
    pub(super) aliases: OneOrMany,
    pub(super) audience: Option<OneOrMany>,
    pub(super) client_ids: Option<OneOrMany>,
    pub(super) authorized_parties: Option<OneOrMany>,
    pub(super) jwks_url: Option<String>,
    pub(super) jwks: Option<String>,
    pub(super) pem: Option<String>,
    pub(super) hmac_secret: Option<String>,
    pub(super) algorithms: Option<OneOrMany>,
    pub(super) token_types: Option<OneOrMany>,
    pub(super) allow_id_tokens: Option<Scalar>,
    pub(super) leeway_seconds: Option<Scalar>,
    pub(super) max_age_seconds: Option<Scalar>,
    #[serde(default)]
    pub(super) required_scopes: OneOrMany,
    #[serde(default)]
    pub(super) required_claims: BTreeMap<String, String>,
    pub(super) tenant: Option<String>,
    pub(super) tenants: Option<OneOrMany>,
    pub(super) preset: Option<String>,
    #[serde(default)]
    pub(super) role_claims: OneOrMany,
    pub(super) authoritative_domains: Option<OneOrMany>,
    pub(super) sign_up: Option<String>,
    pub(super) sign_up_email_domains: Option<OneOrMany>,
    pub(super) access_roles: Option<OneOrMany>,
    #[serde(default)]
    pub(super) sync: BTreeMap<String, String>,
    pub(super) linking: Option<String>,
    #[serde(default)]
    pub(super) roles: BTreeMap<String, String>,
    pub(super) trusted_email_sources: Option<OneOrMany>,
    pub(super) allow_services: Option<Scalar>,
    pub(super) allow_public_sign_up: Option<Scalar>,
    pub(super) allow_anonymous_users: Option<Scalar>,
    pub(super) require_role: Option<Scalar>,
    pub(super) max_users: Option<Scalar>,
    pub(super) max_sign_ups_per_minute: Option<Scalar>,
    pub(super) refresh_seconds: Option<Scalar>,
    pub(super) cool_down_seconds: Option<Scalar>,
    pub(super) max_stale_seconds: Option<Scalar>,
    pub(super) fetch_timeout_seconds: Option<Scalar>,
    pub(super) fetch_wait_seconds: Option<Scalar>,
    pub(super) fetch_max_bytes: Option<Scalar>,
    pub(super) fetch_max_keys: Option<Scalar>,
}

/// Leaves out the secret.
impl fmt::Debug for IssuerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerConfig")
            .field("issuer", &self.issuer)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}

impl IssuerConfig {
    pub(super) fn read(self, name: &str, faults: &mut Faults) -> TrustedIssuer {
        let mut seconds = |key: &str, scalar: &Option<Scalar>| {
            let number = number(name, key, scalar.as_ref()?, faults);
            number.map(Duration::from_secs)
        };
        let leeway = seconds("leeway_seconds", &self.leeway_seconds);
        let max_age = seconds("max_age_seconds", &self.max_age_seconds);
        let mut refresh = KeyRefresh::new();
        if let Some(interval) = seconds("refresh_seconds", &self.refresh_seconds) {
            refresh = refresh.with_interval(interval);
        }
        if let Some(cool_down) = seconds("cool_down_seconds", &self.cool_down_seconds) {
            refresh = refresh.with_cool_down(cool_down);
        }
        if let Some(max_stale) = seconds("max_stale_seconds", &self.max_stale_seconds) {
            refresh = refresh.with_max_stale(max_stale);
        }
        if let Some(timeout) = seconds("fetch_timeout_seconds", &self.fetch_timeout_seconds) {
            refresh = refresh.with_timeout(timeout);
        }
        if let Some(wait) = seconds("fetch_wait_seconds", &self.fetch_wait_seconds) {
            refresh = refresh.with_wait(wait);
        }
        let mut count = |key: &str, scalar: &Option<Scalar>| {
            let number = number(name, key, scalar.as_ref()?, faults);
            number.map(|number| usize::try_from(number).unwrap_or(usize::MAX))
        };
        if let Some(bytes) = count("fetch_max_bytes", &self.fetch_max_bytes) {
            refresh = refresh.with_max_bytes(bytes);
        }
        if let Some(keys) = count("fetch_max_keys", &self.fetch_max_keys) {
            refresh = refresh.with_max_keys(keys);
        }

        let claims = self.claims(name, faults);
        let policy = self.policy(name, faults);
        let audience = self.audience(name, faults);
        let keys = self.keys(name, faults);
        let id_tokens = switch(
            name,
            "allow_id_tokens",
            self.allow_id_tokens.as_ref(),
            faults,
        );
        let algorithms = self.algorithms.map(|names| {
            let names = names.into_vec().into_iter();
            let known = names.filter_map(|alg| {
                let algorithm = Algorithm::parse(&alg);
                if algorithm.is_none() {
                    let detail = format!("`algorithms`: `{alg}` is not supported");
                    faults.add(BuildFaultKind::UnknownAlgorithm, name, detail);
                }
                algorithm
            });
            known.collect::<Vec<_>>()
        });

        let mut trusted = TrustedIssuer::new(self.issuer, audience, keys)
            .with_claims(claims)
            .with_policy(policy)
            .with_key_refresh(refresh);
        for alias in self.aliases.into_vec() {
            trusted = trusted.add_alias(alias);
        }
        for scope in self.required_scopes.into_vec() {
            trusted = trusted.require_scope(scope);
        }
        for (pointer, value) in self.required_claims {
            trusted = trusted.require_claim(&pointer, value);
        }
        if let Some(algorithms) = algorithms {
            trusted = trusted.with_algorithms(algorithms);
        }
        if let Some(types) = self.token_types {
            trusted = trusted.with_token_types(types.into_vec());
        }
        if let Some(leeway) = leeway {
            trusted = trusted.with_leeway(leeway);
        }
        if let Some(max_age) = max_age {
            trusted = trusted.with_max_age(max_age);
        }
        if id_tokens {
            trusted = trusted.allow_id_tokens();
        }
        match (self.tenant, self.tenants) {
            (None, None) => trusted,
            (Some(tenant), None) => trusted.with_tenant(tenant),
            (None, Some(tenants)) => trusted.with_tenants_from_claim(tenants.into_vec()),
            (Some(_), Some(_)) => {
                faults.add(
                    BuildFaultKind::Ambiguous,
                    name,
                    "`tenant` and `tenants` exclude each other",
                );
                trusted
            }
        }
    }

    fn claims(&self, name: &str, faults: &mut Faults) -> ClaimMap {
        let preset = self.preset.as_deref().unwrap_or("oidc");
        let mut claims = ClaimMap::named(preset).unwrap_or_else(|| {
            let detail = format!("`preset`: `{preset}` is none of the presets");
            faults.add(BuildFaultKind::UnknownPreset, name, detail);
            ClaimMap::oidc()
        });
        for pointer in self.role_claims.clone().into_vec() {
            claims = claims.add_roles(&pointer);
        }
        if let Some(domains) = self.authoritative_domains.clone() {
            claims = claims.with_authoritative_domains("/email", domains.into_vec());
        }
        claims
    }

    fn audience(&self, name: &str, faults: &mut Faults) -> Audience {
        let (audience, client_ids) = (self.audience.clone(), self.client_ids.clone());
        match (audience, client_ids, self.authorized_parties.clone()) {
            (None, None, None) => Audience::Claim(Vec::new()),
            (Some(values), None, None) => Audience::Claim(values.into_vec()),
            (None, Some(values), None) => Audience::ClientId(values.into_vec()),
            (None, None, Some(values)) => Audience::AuthorizedParty(values.into_vec()),
            (Some(values), _, _) | (None, Some(values), Some(_)) => {
                let detail = "`audience`, `client_ids` and `authorized_parties` exclude each other";
                faults.add(BuildFaultKind::Ambiguous, name, detail);
                Audience::Claim(values.into_vec())
            }
        }
    }
}
