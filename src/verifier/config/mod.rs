//! A verifier's configuration as data: from a TOML or JSON file, or from the environment.
//!
//! Issuers are named by the operator, and faults name them the same way:
//!
//! ```
//! use tower_jit_provisioning::{JwtVerifier, VerifierConfig};
//!
//! let config: VerifierConfig = serde_json::from_str(
//!     r#"{
//!         "issuers": {
//!             "staff": {
//!                 "issuer": "https://id.example.com/realms/staff",
//!                 "preset": "keykloak",
//!                 "jwks": "{\"keys\":[]}",
//!                 "leeway_seconds": 3600
//!             }
//!         }
//!     }"#,
//! )?;
//! let error = JwtVerifier::from_config(config).unwrap_err();
//! let faults: Vec<_> = error.faults().iter().map(|fault| (fault.issuer(), fault.code())).collect();
//! assert_eq!(
//!     faults,
//!     [
//!         ("staff", "unknown_preset"),
//!         ("staff", "no_audience"),
//!         ("staff", "excessive_leeway"),
//!         ("staff", "no_keys"),
//!     ]
//! );
//! # Ok::<_, serde_json::Error>(())
//! ```
//!
//! Numbers and switches may be text and a list may be one value, so that variables such as
//! `APP__ISSUERS__STAFF__LEEWAY_SECONDS=30` do.

mod policy;

use std::{collections::BTreeMap, fmt, str::FromStr, time::Duration};

use serde::Deserialize;

use super::{
    algorithm::Algorithm,
    audience::Audience,
    build_error::Faults,
    issuer::TrustedIssuer,
    keys::{KeyRefresh, KeySource},
};
use crate::claims::ClaimMap;

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

#[derive(Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct IssuerConfig {
    issuer: String,
    #[serde(default)]
    aliases: OneOrMany,
    audience: Option<OneOrMany>,
    client_ids: Option<OneOrMany>,
    authorized_parties: Option<OneOrMany>,
    jwks_url: Option<String>,
    jwks: Option<String>,
    pem: Option<String>,
    hmac_secret: Option<String>,
    algorithms: Option<OneOrMany>,
    token_types: Option<OneOrMany>,
    allow_id_tokens: Option<Scalar>,
    leeway_seconds: Option<Scalar>,
    max_age_seconds: Option<Scalar>,
    #[serde(default)]
    required_scopes: OneOrMany,
    #[serde(default)]
    required_claims: BTreeMap<String, String>,
    tenant: Option<String>,
    tenants: Option<OneOrMany>,
    preset: Option<String>,
    #[serde(default)]
    role_claims: OneOrMany,
    authoritative_domains: Option<OneOrMany>,
    sign_up: Option<String>,
    sign_up_email_domains: Option<OneOrMany>,
    access_roles: Option<OneOrMany>,
    #[serde(default)]
    sync: BTreeMap<String, String>,
    linking: Option<String>,
    #[serde(default)]
    roles: BTreeMap<String, String>,
    trusted_email_sources: Option<OneOrMany>,
    allow_services: Option<Scalar>,
    allow_public_sign_up: Option<Scalar>,
    allow_anonymous_users: Option<Scalar>,
    require_role: Option<Scalar>,
    max_users: Option<Scalar>,
    max_sign_ups_per_minute: Option<Scalar>,
    refresh_seconds: Option<Scalar>,
    cool_down_seconds: Option<Scalar>,
    max_stale_seconds: Option<Scalar>,
    fetch_timeout_seconds: Option<Scalar>,
    fetch_wait_seconds: Option<Scalar>,
    fetch_max_bytes: Option<Scalar>,
    fetch_max_keys: Option<Scalar>,
}

/// Hides the secret.
impl fmt::Debug for IssuerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("IssuerConfig")
            .field("issuer", &self.issuer)
            .field("preset", &self.preset)
            .finish_non_exhaustive()
    }
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(untagged)]
enum OneOrMany {
    One(String),
    Many(Vec<String>),
    #[default]
    None,
}

impl OneOrMany {
    fn into_vec(self) -> Vec<String> {
        match self {
            Self::Many(values) => values,
            Self::None => Vec::new(),
            Self::One(value) => vec![value],
        }
    }
}

/// A number or a switch, which the environment writes as text.
#[derive(Clone, Debug, Deserialize)]
#[serde(untagged)]
enum Scalar {
    Number(u64),
    Switch(bool),
    Text(String),
}

impl Scalar {
    fn parse<T: FromStr>(&self) -> Option<T> {
        match self {
            Self::Number(number) => number.to_string().parse().ok(),
            Self::Switch(switch) => switch.to_string().parse().ok(),
            Self::Text(text) => text.trim().parse().ok(),
        }
    }
}

impl VerifierConfig {
    /// Reads every issuer; whatever cannot be read is a fault, and the rest is still read.
    pub(super) fn read(self, faults: &mut Faults) -> (Vec<TrustedIssuer>, Option<u64>) {
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

impl IssuerConfig {
    fn read(self, name: &str, faults: &mut Faults) -> TrustedIssuer {
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
                    faults.add("unknown_algorithm", name, detail);
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
                    "ambiguous",
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
            faults.add("unknown_preset", name, detail);
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
                faults.add("ambiguous", name, detail);
                Audience::Claim(values.into_vec())
            }
        }
    }

    fn keys(&self, name: &str, faults: &mut Faults) -> KeySource {
        let named = [&self.jwks_url, &self.jwks, &self.pem, &self.hmac_secret];
        if named.iter().filter(|source| source.is_some()).count() > 1 {
            let detail = "`jwks_url`, `jwks`, `pem` and `hmac_secret` exclude each other";
            faults.add("ambiguous", name, detail);
        }
        match (&self.hmac_secret, &self.pem, &self.jwks) {
            (Some(secret), _, _) => KeySource::hmac_secret(secret),
            (None, Some(pem), _) => KeySource::pem(pem),
            (None, None, Some(jwks)) => KeySource::jwks(jwks),
            (None, None, None) => remote(self.jwks_url.as_deref(), name, faults),
        }
    }
}

#[cfg(feature = "jwks")]
fn remote(url: Option<&str>, _: &str, _: &mut Faults) -> KeySource {
    match url {
        None => KeySource::discovery(crate::fetch::HttpFetcher::new()),
        Some(url) => KeySource::jwks_url(url, crate::fetch::HttpFetcher::new()),
    }
}

#[cfg(not(feature = "jwks"))]
fn remote(_: Option<&str>, name: &str, faults: &mut Faults) -> KeySource {
    let detail = "keys have to be fetched, and feature `jwks` is not enabled";
    faults.add("no_http_client", name, detail);
    KeySource::jwks("")
}

fn number(name: &str, key: &str, scalar: &Scalar, faults: &mut Faults) -> Option<u64> {
    let number = scalar.parse();
    if number.is_none() {
        faults.add("unknown_value", name, format!("`{key}` is no number"));
    }
    number
}

fn switch(name: &str, key: &str, scalar: Option<&Scalar>, faults: &mut Faults) -> bool {
    let Some(scalar) = scalar else {
        return false;
    };
    scalar.parse().unwrap_or_else(|| {
        faults.add(
            "unknown_value",
            name,
            format!("`{key}` is not `true` or `false`"),
        );
        false
    })
}
