//! The cache of verified tokens.

use std::time::Duration;

use tower_jit_provisioning::{
    Algorithm, IdentityKey, JwtVerifier, KeySource, TokenFault, TrustedIssuer,
    testing::{SigningKey, TestIssuer},
};

use super::lab::{AUDIENCE, ISSUER, Lab, NOW, refuses, verify};

#[test]
fn a_token_with_a_thousand_scopes_is_weighed_by_its_memory() {
    let issuer = TestIssuer::new("https://id.example.com");
    let verifier = JwtVerifier::new([issuer.trusted("orders")]).unwrap();
    let verifier = verifier.with_cache_capacity(8 * 1024);
    let is_kept = |token: &str| {
        let verified = futures_util::FutureExt::now_or_never(verifier.verify(token));
        verified.unwrap().unwrap();
        verifier.cached(token).is_some()
    };
    let token = issuer.token("ana").audience("orders");
    // 2 kB of token, and 17 kB of strings in memory.
    let many = token.clone().claim("scope", "a ".repeat(1000)).sign();
    assert!(many.len() < 4 * 1024);
    assert!(!is_kept(&many));
    let long = token.claim("scope", "a".repeat(2000)).sign();
    assert!(is_kept(&long), "as long a token, and one scope");
}

#[test]
fn a_cached_token_expires_on_time() {
    let lab = Lab::new();
    let token = lab.token().sign();
    assert!(lab.verifier.cached(&token).is_none());
    lab.passes(&token);
    let identity = lab.verifier.cached(&token).unwrap();
    assert_eq!(identity.subject(), "ana");
    assert_eq!(
        identity.expires_at(),
        i64::try_from(NOW + 300).unwrap() * 1000
    );

    // Five minutes, and 60 seconds of leeway.
    lab.clock.advance(Duration::from_millis(359_999));
    assert!(lab.verifier.cached(&token).is_some());
    lab.passes(&token);
    lab.clock.advance(Duration::from_millis(1));
    assert!(lab.verifier.cached(&token).is_none());
    lab.refuses(&[("expired", token.clone(), TokenFault::Expired)]);
    lab.clock.rewind(Duration::from_millis(1));
    assert!(lab.verifier.cached(&token).is_some());
}

#[test]
fn a_cached_token_is_not_yet_valid_after_the_clock_is_set_back() {
    let lab = Lab::new();
    let nbf = lab.token().claim("nbf", NOW + 30).sign();
    let iat = lab.token().sign();
    lab.passes(&nbf);
    lab.passes(&iat);
    lab.clock.rewind(Duration::from_secs(30));
    assert!(lab.verifier.cached(&nbf).is_some());
    lab.clock.rewind(Duration::from_millis(1));
    assert!(lab.verifier.cached(&nbf).is_none());
    assert!(lab.verifier.cached(&iat).is_some());
    lab.clock.rewind(Duration::from_secs(30));
    assert!(lab.verifier.cached(&iat).is_none());
    refuses(
        &lab.verifier,
        &[
            ("nbf", nbf.clone(), TokenFault::NotYetValid),
            ("iat", iat, TokenFault::NotYetValid),
        ],
    );
    lab.clock.advance(Duration::from_secs(60));
    assert!(lab.verifier.cached(&nbf).is_some());
}

#[test]
fn a_cached_token_is_identified_by_all_of_its_bytes() {
    let lab = Lab::new();
    let token = lab.token().sign();
    lab.passes(&token);
    for other in [
        String::new(),
        token[..token.len() - 1].to_owned(),
        format!("{token}A"),
        format!("{token} "),
        token.to_uppercase(),
        lab.token().claim("jti", "2").sign(),
    ] {
        assert!(lab.verifier.cached(&other).is_none(), "{other}");
    }
}

#[test]
fn a_cache_without_capacity_stores_nothing() {
    let lab = Lab::new();
    let verifier = lab.verifier.clone().with_cache_capacity(0);
    let token = lab.token().sign();
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
}

#[test]
fn setting_a_clock_keeps_the_cache_capacity() {
    let lab = Lab::new();
    let verifier = lab
        .verifier
        .clone()
        .with_cache_capacity(0)
        .with_clock(lab.clock.clone());
    let token = lab.token().sign();
    assert!(verify(&verifier, &token).is_ok());
    assert!(verifier.cached(&token).is_none());
}

#[test]
fn a_cache_stays_inside_its_capacity() {
    let lab = Lab::new();
    let verifier = lab.verifier.clone().with_cache_capacity(64 * 1024);
    let tokens: Vec<String> = (0..500)
        .map(|n| lab.token().claim("jti", n).sign())
        .collect();
    let mut bytes = 0;
    for token in &tokens {
        verify(&verifier, token).unwrap();
    }
    for token in tokens
        .iter()
        .filter(|token| verifier.cached(token).is_some())
    {
        bytes += token.len() + 512;
    }
    assert!(bytes > 0 && bytes <= 64 * 1024, "{bytes}");
}

#[test]
fn clones_of_a_verifier_share_the_cache() {
    let lab = Lab::new();
    let clone = lab.verifier.clone();
    let token = lab.token().sign();
    lab.passes(&token);
    assert!(clone.cached(&token).is_some());
}

/// CVE-2026-35039: a cache that confused tokens with equal `iss`, `aud` and `iat`.
#[test]
fn ten_thousand_similar_tokens_get_their_own_claims_back() {
    let lab = Lab::with_key(
        SigningKey::generate("key-1", Algorithm::Hs256),
        |issuer| TrustedIssuer::new(issuer.name(), AUDIENCE, KeySource::hmac_secret([7; 64])),
        |trusted| trusted,
    );
    let tokens: Vec<(String, String)> = (0..10_000)
        .map(|n| {
            let subject = format!("user-{n:05}");
            let token = lab.token().claim("sub", subject.as_str()).sign();
            (subject, token)
        })
        .collect();
    for (_, token) in &tokens {
        lab.passes(token);
    }
    for (subject, token) in &tokens {
        let identity = lab.verifier.cached(token).unwrap();
        assert_eq!(identity.subject(), subject);
        assert_eq!(identity.key(), IdentityKey::new("", ISSUER, subject));
    }
}
