//! Cost of a token that was not seen before: verification, parsing, all checks, the identity.
//!
//! `raw` is only the signature verification of the same token, with a key that aws-lc-rs has parsed
//! and a decoded signature. `decode` is jsonwebtoken on the same token with the same backend: it
//! checks `exp`, `iss` and `aud`, and deserializes the claims into a struct.
//!
//! `cargo bench --all-features --bench cold`

mod fixture;
mod raw;
mod table;

use std::{hint::black_box, time::Duration};

use cpu_time::ThreadTime;
use criterion::{Criterion, criterion_group, criterion_main};
use jsonwebtoken::{DecodingKey, Validation};
use serde::Deserialize;
use tower_jit_provisioning::{Algorithm, testing::TestIssuer};

use self::{
    fixture::{AUDIENCE, finish, issuer, token, verifier},
    raw::Raw,
    table::{Ratio, Table},
};

/// More tokens than fit into the cache, so that each one is evicted before its next use.
const TOKENS: u64 = 512;

/// The claims that an application with jsonwebtoken would read.
#[derive(Deserialize)]
#[expect(dead_code, reason = "deserialized for the measurement, but never read")]
struct Claims {
    iss: String,
    sub: String,
    aud: Vec<String>,
    exp: u64,
    iat: u64,
    azp: String,
    scope: String,
    email: String,
    email_verified: bool,
    name: String,
    preferred_username: String,
    realm_access: Roles,
}

#[derive(Deserialize)]
#[expect(dead_code, reason = "deserialized for the measurement, but never read")]
struct Roles {
    roles: Vec<String>,
}

fn cold(criterion: &mut Criterion) {
    // With two backends compiled in, jsonwebtoken needs an explicit choice.
    let _ = jsonwebtoken::crypto::aws_lc::DEFAULT_PROVIDER.install_default();
    // Goals relative to `raw` and to `decode`.
    let algorithms = [
        (Algorithm::Rs256, Some((1.30, 0.80))),
        (Algorithm::Ps256, None),
        (Algorithm::Es256, Some((1.15, 0.95))),
        (Algorithm::Es384, None),
        (Algorithm::EdDsa, None),
    ];
    for (algorithm, goals) in algorithms {
        let issuer = issuer(algorithm);
        let name = algorithm.as_str();
        let bearer = token(&issuer, 0).sign();
        let raw = Raw::new(&issuer, algorithm, &bearer);
        let (key, validation) = decoding(&issuer, algorithm);
        let checked = verifier(&issuer, algorithm).with_cache_capacity(0);
        let forgetful = verifier(&issuer, algorithm).with_cache_capacity(TOKENS * 64);
        let tokens: Vec<_> = (0..TOKENS)
            .map(|number| token(&issuer, number).sign())
            .collect();
        let mut tokens = tokens.iter().cycle();

        let mut table = Table::new(format!("cold, {name}"));
        table.row("raw", |n| times(n, || raw.verify()));
        table.row("decode", |n| {
            times(n, || {
                jsonwebtoken::decode::<Claims>(&bearer, &key, &validation)
                    .is_ok_and(|token| token.claims.iss == issuer.name())
            })
        });
        table.ratio(of(&["raw"], None));
        table.row("verifier", |n| {
            times(n, || finish(checked.verify(&bearer)).is_ok())
        });
        table.ratio(of(&["raw"], goals.map(|(raw, _)| raw)));
        table.ratio(of(&["decode"], goals.map(|(_, decode)| decode)));
        table.row("verifier, remembering", |n| {
            times(n, || {
                let token = tokens.next().expect("an endless iterator");
                finish(forgetful.verify(token)).is_ok()
            })
        });
        table.ratio(of(&["raw"], None));
        table.measure(criterion);
    }
}

fn times(iterations: u64, mut operation: impl FnMut() -> bool) -> Duration {
    let start = ThreadTime::now();
    for _ in 0..iterations {
        assert!(black_box(operation()));
    }
    start.elapsed()
}

fn of(rows: &'static [&'static str], goal: Option<f64>) -> Ratio {
    Ratio {
        beyond: None,
        of: rows,
        goal,
    }
}

fn decoding(issuer: &TestIssuer, algorithm: Algorithm) -> (DecodingKey, Validation) {
    let jwk = serde_json::from_value(issuer.key().jwk()).expect("a JWK");
    let alg = algorithm.as_str().parse().expect("an algorithm");
    let mut validation = Validation::new(alg);
    validation.set_audience(&[AUDIENCE]);
    validation.set_issuer(&[issuer.name()]);
    let key = DecodingKey::from_jwk(&jwk).expect("a key");
    (key, validation)
}

criterion_group! {
    name = benches;
    config = Criterion::default()
        .warm_up_time(Duration::from_secs(1))
        .measurement_time(Duration::from_secs(6))
        .without_plots();
    targets = cold
}
criterion_main!(benches);
