//! Keys over real HTTP from an issuer that misbehaves: fetches are bounded, never delay a good
//! token, and never discard a good set.

use std::time::{Duration, Instant};

use futures_util::FutureExt;
use tower_jit_provisioning::{
    ErrorKind, JwtVerifier, KeySource, TrustedIssuer,
    fetch::HttpFetcher,
    testing::{Endpoint, Fault, TestIssuer},
    verifier::KeyRefresh,
};

/// Request timeout, long enough for loopback and short enough for tests.
const WAIT: Duration = Duration::from_millis(400);

/// A request that waits for keys waits for at most two fetches; a busy machine adds to that.
const BOUND: Duration = Duration::from_secs(5);

fn trusted(issuer: &TestIssuer) -> TrustedIssuer {
    let refresh = KeyRefresh::new()
        .with_cool_down(Duration::ZERO)
        .with_timeout(WAIT)
        .with_wait(2 * WAIT);
    TrustedIssuer::discover(issuer.name(), "orders").with_key_refresh(refresh)
}

fn verifier(issuer: &TestIssuer) -> JwtVerifier {
    JwtVerifier::new([trusted(issuer)]).unwrap()
}

fn token(issuer: &TestIssuer, subject: &str) -> String {
    issuer.token(subject).audience("orders").sign()
}

async fn passes(verifier: &JwtVerifier, token: &str) -> bool {
    verifier.verify(token).await.is_ok()
}

/// Makes the verifier fetch the key set again, regardless of the response.
async fn demand_fetch(verifier: &JwtVerifier, issuer: &TestIssuer) {
    let unknown = issuer
        .token("eve")
        .audience("orders")
        .header("kid", "unknown")
        .sign();
    let started = Instant::now();
    let error = verifier.verify(&unknown).await.unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidToken);
    assert!(started.elapsed() < BOUND, "{:?}", started.elapsed());
}

/// Faults that are invalid responses for a key set and for metadata alike.
fn faults() -> Vec<Fault> {
    vec![
        Fault::BadJson,
        Fault::Bom,
        Fault::DeepJson(200_000),
        Fault::Delay(10 * BOUND),
        Fault::Drip(Duration::from_millis(50)),
        Fault::Empty,
        Fault::EmptyObject,
        Fault::EndlessChunks,
        Fault::GzipBomb,
        Fault::Hang,
        Fault::Html,
        Fault::Oversized(1 << 30),
        Fault::RedirectLoop,
        Fault::Reset,
        Fault::Status(401),
        Fault::Status(429),
        Fault::Status(500),
        Fault::Status(503),
        Fault::Truncated,
    ]
}

#[tokio::test]
async fn known_keys_survive_every_fault_of_the_key_set() {
    let issuer = TestIssuer::serve();
    let verifier = verifier(&issuer);
    assert!(passes(&verifier, &token(&issuer, "ana")).await);
    let mut all = faults();
    all.extend([Fault::ManyKeys(20_000), Fault::NoKeys, Fault::Status(404)]);
    for (number, fault) in all.into_iter().enumerate() {
        // Uses a different set, since the response could otherwise be that nothing changed.
        issuer.publish_next();
        issuer.set_fault(Endpoint::Jwks, fault.clone());
        demand_fetch(&verifier, &issuer).await;
        assert!(verifier.status()[0].last_error.is_some(), "{fault:?}");
        let fresh = token(&issuer, &format!("user-{number}"));
        let verified = verifier.verify(&fresh).now_or_never();
        assert!(
            verified.is_some_and(|verified| verified.is_ok()),
            "a good token waits for no fetch: {fault:?}"
        );
        issuer.clear_faults();
        demand_fetch(&verifier, &issuer).await;
        assert!(
            verifier.status()[0].last_error.is_none(),
            "it recovers from {fault:?}"
        );
    }
}

#[tokio::test]
async fn without_keys_every_fault_reports_unavailable_within_bounded_time() {
    let mut all: Vec<_> = faults()
        .into_iter()
        .map(|fault| (Endpoint::Discovery, fault))
        .collect();
    all.extend(faults().into_iter().map(|fault| (Endpoint::Jwks, fault)));
    all.extend([
        (Endpoint::Discovery, Fault::IssuerMismatch),
        (
            Endpoint::Discovery,
            Fault::JwksUri("file:///etc/passwd".to_owned()),
        ),
        (
            Endpoint::Discovery,
            Fault::JwksUri("http://192.0.2.1/jwks".to_owned()),
        ),
        (Endpoint::Jwks, Fault::NoKeys),
        (Endpoint::Jwks, Fault::ManyKeys(20_000)),
    ]);
    let checks = all.into_iter().map(|(endpoint, fault)| async move {
        let issuer = TestIssuer::serve();
        issuer.set_fault(endpoint, fault.clone());
        let verifier = verifier(&issuer);
        let started = Instant::now();
        let error = verifier.verify(&token(&issuer, "ana")).await.unwrap_err();
        assert_eq!(
            error.kind(),
            ErrorKind::Unavailable,
            "{endpoint:?} {fault:?}"
        );
        assert!(started.elapsed() < BOUND, "{endpoint:?} {fault:?}");
        assert!(verifier.ready().await.is_err());
    });
    for check in checks {
        check.await;
    }
}

#[tokio::test]
async fn a_redirect_is_followed_to_the_same_origin_only() {
    let issuer = TestIssuer::serve();
    let other = TestIssuer::serve();
    let elsewhere = other.url(Endpoint::Jwks);
    for (target, is_followed) in [
        (issuer.url(Endpoint::Jwks), true),
        (elsewhere, false),
        ("http://192.0.2.1/jwks".to_owned(), false),
        ("file:///etc/passwd".to_owned(), false),
    ] {
        // Discovery redirects to a document of another kind, so following the redirect shows in the
        // counters and not in the keys.
        issuer.set_fault(Endpoint::Discovery, Fault::Redirect(target.clone()));
        let (here, there) = (
            issuer.requests(Endpoint::Jwks),
            other.requests(Endpoint::Jwks),
        );
        let verifier = verifier(&issuer);
        assert!(verifier.ready().await.is_err(), "{target}");
        assert_eq!(
            issuer.requests(Endpoint::Jwks) > here,
            is_followed,
            "{target}"
        );
        assert_eq!(other.requests(Endpoint::Jwks), there, "{target}");
    }
}

#[tokio::test]
async fn redirects_are_followed_up_to_the_limit() {
    for (redirects, is_followed) in [(0, false), (1, true)] {
        let issuer = TestIssuer::serve();
        let target = issuer.url(Endpoint::Jwks);
        issuer.set_fault(Endpoint::Discovery, Fault::Redirect(target));
        let keys = KeySource::discovery(HttpFetcher::new().with_max_redirects(redirects));
        let verifier = JwtVerifier::new([TrustedIssuer::new(issuer.name(), "orders", keys)]);
        assert!(verifier.unwrap().ready().await.is_err());
        assert_eq!(
            issuer.requests(Endpoint::Jwks) > 0,
            is_followed,
            "{redirects}"
        );
    }
}

#[tokio::test]
async fn rotation_over_http_rejects_no_valid_token() {
    let issuer = TestIssuer::serve();
    let verifier = verifier(&issuer);
    let before = token(&issuer, "ana");
    assert!(passes(&verifier, &before).await);
    let old = issuer.key();
    for round in 0..5 {
        issuer.rotate();
        assert!(passes(&verifier, &token(&issuer, &format!("user-{round}"))).await);
        assert!(
            passes(&verifier, &before).await,
            "the old key is still published"
        );
    }
    issuer.withdraw(old.kid());
    demand_fetch(&verifier, &issuer).await;
    assert!(verifier.cached(&before).is_none());
    let error = verifier.verify(&before).await.unwrap_err();
    assert_eq!(error.reason(), "key");
}

#[tokio::test]
async fn an_outage_of_the_issuer_rejects_no_token() {
    let issuer = TestIssuer::serve_at("/realms/acme");
    let verifier = verifier(&issuer);
    assert!(passes(&verifier, &token(&issuer, "ana")).await);
    issuer.stop();
    for number in 0..100 {
        assert!(passes(&verifier, &token(&issuer, &format!("user-{number}"))).await);
    }
    demand_fetch(&verifier, &issuer).await;
    assert!(verifier.status()[0].last_error.is_some());
    issuer.restart();
    issuer.rotate();
    assert!(passes(&verifier, &token(&issuer, "bob")).await);
    assert!(verifier.status()[0].last_error.is_none());
}

#[tokio::test]
async fn rfc_8414_metadata_is_found_for_an_issuer_with_a_path() {
    let issuer = TestIssuer::serve_at("/realms/acme");
    issuer.set_fault(Endpoint::Discovery, Fault::Status(404));
    let verifier = verifier(&issuer);
    assert!(passes(&verifier, &token(&issuer, "ana")).await);
    assert_eq!(issuer.requests(Endpoint::Metadata), 1);
}

#[tokio::test]
async fn an_unchanged_set_is_not_sent_again() {
    let issuer = TestIssuer::serve();
    let verifier = verifier(&issuer);
    assert!(passes(&verifier, &token(&issuer, "ana")).await);
    let cached = token(&issuer, "bob");
    assert!(passes(&verifier, &cached).await);
    for _ in 0..3 {
        demand_fetch(&verifier, &issuer).await;
        assert!(
            verifier.cached(&cached).is_some(),
            "the same key keeps its tokens"
        );
    }
    assert_eq!(issuer.requests(Endpoint::Jwks), 1 + 3);
    assert_eq!(
        issuer.requests(Endpoint::Discovery),
        1,
        "the address is remembered"
    );
}

#[tokio::test]
async fn a_kid_shared_by_two_keys_disables_only_that_kid() {
    let issuer = TestIssuer::serve();
    let next = issuer.publish_next();
    issuer.set_fault(Endpoint::Jwks, Fault::DuplicateKid);
    let verifier = verifier(&issuer);
    let ambiguous = verifier.verify(&token(&issuer, "ana")).await;
    let by_next = issuer
        .token("ana")
        .audience("orders")
        .header("kid", next.kid())
        .signed_by(&next)
        .sign();
    let other = verifier.verify(&by_next).await;
    assert!(
        ambiguous.is_err() || other.is_err(),
        "one of the two names is ambiguous"
    );
    assert!(ambiguous.is_ok() || other.is_ok(), "and the other is not");
}
