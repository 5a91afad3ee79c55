//! A trusted issuer with everything parsed.

use std::{
    sync::{
        Arc,
        atomic::{AtomicU64, Ordering},
    },
    time::Duration,
};

use super::{
    algorithm::Algorithm, audience::Audience, build_error::Faults,
    build_fault_kind::BuildFaultKind, coherence, keys::IssuerKeys, tenancy::Tenancy,
    trusted_issuer::TrustedIssuer,
};
use crate::{
    claims::{ClaimMap, Pointer},
    clock::{Clock, to_millis},
    fetch::metadata::is_fetchable,
    policy::IssuerPolicy,
    principal::Origin,
};

/// The longest issuer, in bytes: the width of the column in the bundled tables.
const MAX_ISSUER: usize = 512;

/// The longest leeway: a larger difference between clocks is a fault of the clocks.
const MAX_LEEWAY: Duration = Duration::from_secs(600);

/// A [`TrustedIssuer`] with everything parsed.
pub(crate) struct Issuer {
    /// Its generation differs between any two issuers that were built.
    pub(super) origin: Arc<Origin>,
    pub(super) policy: Arc<IssuerPolicy>,
    pub(super) audience: Audience,
    pub(super) keys: IssuerKeys,
    pub(super) algorithms: Vec<Algorithm>,
    pub(super) claims: ClaimMap,
    pub(super) tenancy: Tenancy,
    pub(super) token_types: Vec<String>,
    pub(super) untyped_tokens: bool,
    pub(super) id_tokens: bool,
    /// In milliseconds, as `max_age`.
    pub(super) leeway: i64,
    pub(super) max_age: Option<i64>,
    pub(super) required_scopes: Vec<String>,
    /// `required_scopes` in one string, for the challenge.
    pub(super) required_scope: Arc<str>,
    pub(super) required_claims: Vec<(Pointer, String)>,
}

impl Issuer {
    /// Parses everything that can be parsed before the first token, and adds every fault.
    pub(super) fn parse(
        trusted: TrustedIssuer,
        clock: &Clock,
        faults: &mut Faults,
    ) -> Option<Self> {
        check(&trusted, faults);
        let algorithms = algorithms(&trusted, faults);
        let keys = trusted
            .keys
            .load(&trusted.issuer, trusted.refresh.clone(), clock.clone())
            .map_err(|reason| faults.add(BuildFaultKind::NoKeys, trusted.name(), reason))
            .ok()?;
        let required_scope = trusted.required_scopes.join(" ").into();
        static GENERATIONS: AtomicU64 = AtomicU64::new(0);
        Some(Self {
            origin: Arc::new(Origin {
                issuer: trusted.issuer.into(),
                subject_strategy: trusted.claims.subject_strategy().into(),
                generation: GENERATIONS.fetch_add(1, Ordering::Relaxed),
            }),
            policy: Arc::new(trusted.policy),
            audience: trusted.audience,
            keys,
            algorithms,
            claims: trusted.claims,
            tenancy: trusted.tenancy,
            token_types: trusted.token_types,
            untyped_tokens: trusted.untyped_tokens,
            id_tokens: trusted.id_tokens,
            leeway: to_millis(trusted.leeway),
            max_age: trusted.max_age.map(to_millis),
            required_scopes: trusted.required_scopes,
            required_scope,
            required_claims: trusted.required_claims,
        })
    }

    pub(super) fn name(&self) -> &str {
        &self.origin.issuer
    }
}

/// Checks each setting on its own, and then their combinations.
fn check(trusted: &TrustedIssuer, faults: &mut Faults) {
    let name = trusted.name();
    for spelling in trusted.spellings() {
        if spelling.is_empty()
            || spelling.len() > MAX_ISSUER
            || spelling.chars().any(char::is_control)
        {
            let detail = format!("`{spelling}` is empty, over 512 bytes or has control characters");
            faults.add(BuildFaultKind::InvalidIssuer, name, detail);
        }
        let is_plain = spelling.to_ascii_lowercase().starts_with("http://");
        if is_plain && !is_fetchable(spelling) {
            let detail = format!("`{spelling}` has no https and is not on loopback");
            faults.add(BuildFaultKind::InsecureIssuer, name, detail);
        }
    }
    let audiences = trusted.audience.values();
    // An empty one in a list is an environment variable that was not set.
    if audiences.is_empty() || audiences.iter().any(String::is_empty) {
        faults.add(
            BuildFaultKind::NoAudience,
            name,
            "no audience is configured, or an empty one",
        );
    }
    trusted.tenancy.check(name, faults);
    if trusted.leeway > MAX_LEEWAY {
        let detail = format!("a leeway of {} s is over 600 s", trusted.leeway.as_secs());
        faults.add(BuildFaultKind::ExcessiveLeeway, name, detail);
    }
    let required = trusted.required_claims.iter().map(|(pointer, _)| pointer);
    let pointers = required
        .filter(|pointer| !pointer.is_valid())
        .map(Pointer::as_str);
    for pointer in pointers.chain(trusted.claims.faults()) {
        let detail = format!("`{pointer}` is not a JSON pointer");
        faults.add(BuildFaultKind::InvalidPointer, name, detail);
    }
    if let Some(url) = trusted.keys.url(&trusted.issuer)
        && !is_fetchable(url)
    {
        let detail = format!("keys cannot be fetched for `{url}`: neither https nor on loopback");
        faults.add(BuildFaultKind::InsecureKeyUrl, name, detail);
    }
    coherence::check(trusted, faults);
}

/// Returns the allowed algorithms, and adds a fault for each that does not fit the keys.
fn algorithms(trusted: &TrustedIssuer, faults: &mut Faults) -> Vec<Algorithm> {
    let algorithms = match (&trusted.algorithms, trusted.keys.is_hmac()) {
        (Some(named), _) => named.clone(),
        (None, true) => vec![Algorithm::Hs256],
        (None, false) => Algorithm::ASYMMETRIC.to_vec(),
    };
    let name = trusted.name();
    if algorithms.is_empty() {
        faults.add(
            BuildFaultKind::NoAlgorithms,
            name,
            "no algorithm is allowed",
        );
    }
    for algorithm in &algorithms {
        let alg = algorithm.as_str();
        let length = algorithm.hmac_secret_length();
        match trusted.keys.hmac_secret_length() {
            // The public key would serve as the secret (CVE-2022-29217 and others like it).
            None if algorithm.is_hmac() => {
                let detail = format!("{alg} needs a secret, and the keys are public");
                faults.add(BuildFaultKind::HmacWithPublicKeys, name, detail);
            }
            Some(_) if !algorithm.is_hmac() => {
                let detail = format!("{alg} needs public keys, and the key is a secret");
                faults.add(BuildFaultKind::PublicKeysWithHmac, name, detail);
            }
            Some(held) if held < length => {
                let detail = format!("{alg} needs a secret of {length} bytes");
                faults.add(BuildFaultKind::WeakSecret, name, detail);
            }
            None | Some(_) => {}
        }
    }
    algorithms
}
