//! Users over several requests: created once, found again, rejected when their status changes.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tower_jit_provisioning::{ErrorKind, MemoryProvisioner, ProvisionLayer, UserStatus};

use super::app::{INVALID_TOKEN, Refusal, passes, request, router};
use crate::issuer::{issuer, scoped_token, scoped_verifier};

#[tokio::test]
async fn status_and_revocation_apply_on_the_warm_path_too() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let verifier = scoped_verifier(&issuer);
    let app = router().layer(ProvisionLayer::new(verifier.clone(), users.clone()));
    let token = scoped_token(&issuer);
    let bearer = token.bearer();
    let ask = || request("/me", &[&bearer]);
    assert_eq!(passes(app.clone(), ask()).await, "1 created");
    assert_eq!(passes(app.clone(), ask()).await, "1 found");
    let key = verifier.cached(&bearer["Bearer ".len()..]).unwrap().key();

    for (status, code) in [
        (UserStatus::Deactivated, "deactivated"),
        (UserStatus::Deleted, "deleted"),
        (UserStatus::Pending, "pending_approval"),
    ] {
        assert!(users.set_status(key, status));
        let refusal = Refusal::of(app.clone(), ask()).await;
        refusal.is(code, ErrorKind::Denied, 403, None, code);
    }
    // Earlier tokens stay invalid; tokens issued from now on are valid.
    assert!(users.set_status(key, UserStatus::Active));
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap()
        .as_secs();
    let issued = |at: u64| token.clone().claim("iat", at).bearer();
    let fresh = issued(now + 1);
    let kind = ErrorKind::InvalidToken;
    let refusal = Refusal::of(app.clone(), ask()).await;
    refusal.is("before", kind, 401, INVALID_TOKEN, "invalid_token");
    assert_eq!(refusal.error.reason(), "revoked");
    for _ in 0..2 {
        let body = passes(app.clone(), request("/me", &[&fresh])).await;
        assert_eq!(body, "1 found");
    }

    let revoked_at = i64::try_from((now + 2) * 1000).unwrap();
    assert!(users.revoke_tokens(key, revoked_at));
    let refusal = Refusal::of(app.clone(), request("/me", &[&fresh])).await;
    refusal.is("revoked", kind, 401, INVALID_TOKEN, "invalid_token");
    assert_eq!(refusal.error.reason(), "revoked");
    let fresh = issued(now + 3);
    assert_eq!(passes(app, request("/me", &[&fresh])).await, "1 found");
}

#[tokio::test]
async fn the_first_request_creates_a_user_and_the_next_finds_it() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let app = router().layer(ProvisionLayer::new(scoped_verifier(&issuer), users.clone()));
    let bearer = scoped_token(&issuer).bearer();
    assert!(users.is_empty());
    let first = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(first, "1 created");
    let next = passes(app.clone(), request("/me", &[&bearer])).await;
    assert_eq!(next, "1 found");
    let other_token = scoped_token(&issuer).claim("jti", "2").bearer();
    let next = passes(app.clone(), request("/me", &[&other_token])).await;
    assert_eq!(next, "1 found");
    let other_subject = scoped_token(&issuer).claim("sub", "eve").bearer();
    let first = passes(app, request("/me", &[&other_subject])).await;
    assert_eq!(first, "2 created");
    assert_eq!(users.len(), 2);
}

#[tokio::test]
async fn a_refused_token_creates_no_user() {
    let issuer = issuer();
    let users = MemoryProvisioner::new();
    let app = router().layer(ProvisionLayer::new(scoped_verifier(&issuer), users.clone()));
    for authorization in [
        scoped_token(&issuer).claim("scope", "").bearer(),
        scoped_token(&issuer).audience("other").bearer(),
        scoped_token(&issuer)
            .expired_for(Duration::from_secs(3600))
            .bearer(),
    ] {
        Refusal::of(app.clone(), request("/me", &[&authorization])).await;
    }
    assert!(users.is_empty());
}
