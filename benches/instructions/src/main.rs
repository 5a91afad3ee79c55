//! One kind of request in a loop, for instruction counts by callgrind.
//!
//! Tokens and keys are fixed, because otherwise the arithmetic of their signatures would differ
//! between runs. `check` compares the counts with `baseline`. To create tokens of another shape:
//!
//! ```sh
//! cargo run --release --manifest-path benches/instructions/Cargo.toml -- renew
//! ```

#[expect(dead_code, reason = "this program has fixed keys")]
#[path = "../../fixture/mod.rs"]
mod fixture;
#[path = "../../inner/mod.rs"]
mod inner;

use std::{
    convert::Infallible,
    env,
    error::Error,
    fs,
    hint::black_box,
    path::{Path, PathBuf},
    time::Duration,
};

use http::{HeaderValue, Request, Response, header::AUTHORIZATION};
use serde_json::{Value, json};
use tower::{Layer, Service};
use tower_jit_provisioning::{
    Algorithm, CachedProvisioner, ClaimMap, JwtVerifier, KeySource, MemoryProvisioner,
    ProvisionLayer, TrustedIssuer,
    testing::{ManualClock, SigningKey, TestIssuer},
};

use self::{
    fixture::{AUDIENCE, finish},
    inner::Inner,
};

/// Enough calls for an exact last digit of a count.
const CALLS: u64 = 100;

const ALGORITHMS: [Algorithm; 2] = [Algorithm::Es256, Algorithm::Rs256];

fn main() -> Result<(), Box<dyn Error>> {
    match env::args().nth(1).as_deref() {
        Some("bare") => calls(&mut Inner, &token(Algorithm::Es256)?, 200),
        Some("warm") => warm(&token(Algorithm::Es256)?)?,
        Some("cold ES256") => cold(&token(Algorithm::Es256)?, 200)?,
        Some("cold RS256") => cold(&token(Algorithm::Rs256)?, 200)?,
        Some("garbage") => cold("garbage", 401)?,
        Some("calls") => println!("{CALLS}"),
        Some("renew") => renew()?,
        other => return Err(format!("{other:?} is not counted").into()),
    }
    Ok(())
}

fn warm(token: &str) -> Result<(), Box<dyn Error>> {
    let runtime = tokio::runtime::Builder::new_current_thread().build()?;
    let users =
        CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(86_400));
    let mut service = ProvisionLayer::new(verifier()?, users).layer(Inner);
    runtime.block_on(async {
        let Ok(response) = service.call(request(token)).await;
        assert_eq!(response.status(), 200);
    });
    calls(&mut service, token, 200);
    Ok(())
}

/// Runs a verifier without a cache, and users in memory.
fn cold(token: &str, status: u16) -> Result<(), Box<dyn Error>> {
    let verifier = verifier()?.with_cache_capacity(0);
    let mut service = ProvisionLayer::new(verifier, MemoryProvisioner::new()).layer(Inner);
    let Ok(response) = finish(service.call(request(token)));
    assert_eq!(response.status(), status);
    calls(&mut service, token, status);
    Ok(())
}

fn calls<S, B>(service: &mut S, token: &str, status: u16)
where
    S: Service<Request<()>, Response = Response<B>, Error = Infallible>,
{
    for _ in 0..CALLS {
        let request = request(token);
        let Ok(response) = counted(|| finish(service.call(request)));
        assert_eq!(response.status(), status);
    }
}

/// Callgrind counts inside this function, and finds it by its name.
#[inline(never)]
fn counted<T>(operation: impl FnOnce() -> T) -> T {
    black_box(operation())
}

fn request(token: &str) -> Request<()> {
    let value = HeaderValue::from_str(&format!("Bearer {token}"));
    let mut request = Request::new(());
    request
        .headers_mut()
        .insert(AUTHORIZATION, value.expect("a header value"));
    request
}

fn verifier() -> Result<JwtVerifier, Box<dyn Error>> {
    let keys = KeySource::jwks(fs::read_to_string(fixture_file("keys.json"))?);
    let trusted = TrustedIssuer::new("https://id.example.com/realms/acme", AUDIENCE, keys);
    Ok(JwtVerifier::new([
        trusted.with_claims(ClaimMap::keycloak())
    ])?)
}

fn token(algorithm: Algorithm) -> Result<String, Box<dyn Error>> {
    let token = fs::read_to_string(fixture_file(&format!("{}.jwt", algorithm.as_str())))?;
    Ok(token.trim_end().to_owned())
}

fn fixture_file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(name)
}

/// Writes tokens that are valid until the next century, and their public keys.
fn renew() -> Result<(), Box<dyn Error>> {
    let mut keys: Vec<Value> = Vec::new();
    for algorithm in ALGORITHMS {
        let key = SigningKey::generate(algorithm.as_str(), algorithm);
        let issuer = TestIssuer::with_key("https://id.example.com/realms/acme", key)
            .with_clock(ManualClock::default());
        let token = fixture::token(&issuer, 0).claim("exp", 4_102_444_800_u64);
        let file = fixture_file(&format!("{}.jwt", algorithm.as_str()));
        fs::write(file, token.sign() + "\n")?;
        keys.push(issuer.key().jwk());
    }
    let keys = serde_json::to_string_pretty(&json!({ "keys": keys }))?;
    fs::write(fixture_file("keys.json"), keys + "\n")?;
    Ok(())
}
