//! Results of the provisioner, and the responses to the client.

use std::{
    error::Error as StdError,
    sync::{Arc, Mutex},
};

use async_trait::async_trait;
use axum::{Router, routing::get};
use serde_json::Value;
use tower_jit_provisioning::{
    CurrentUser, DenialReason, ErrorKind, Identity, IssuerPolicy, JwtVerifier, Linking, Outcome,
    ProvisionError, ProvisionLayer, Provisioned, Provisioner, UserStatus,
    policy::Rule,
    provisioner::{Candidate, Decision, Entry, LinkPermit, Standing},
    testing::TestIdentity,
};

use super::{
    app::{INVALID_TOKEN, Refusal, Refusing, layer, passes, request, router},
    extractors::Account,
};
use crate::issuer::{AUDIENCE, issuer, scoped_token, scoped_verifier};

#[tokio::test]
async fn each_provisioner_result_matches_the_wire_table() {
    let issuer = issuer();
    let denied = |reason: DenialReason| (ProvisionError::from(reason), reason.as_str());
    let mut table = vec![
        (
            ProvisionError::Conflict,
            ErrorKind::Conflict,
            403,
            None,
            "conflict",
            "conflict",
        ),
        (
            ProvisionError::Revoked,
            ErrorKind::InvalidToken,
            401,
            INVALID_TOKEN,
            "invalid_token",
            "revoked",
        ),
        (
            ProvisionError::unavailable("connection to 10.0.0.7 refused"),
            ErrorKind::Unavailable,
            503,
            None,
            "unavailable",
            "store",
        ),
    ];
    for reason in [
        DenialReason::Deactivated,
        DenialReason::Deleted,
        DenialReason::KindMismatch,
        DenialReason::NoRole,
        DenialReason::PendingApproval,
        DenialReason::RuleFailed,
        DenialReason::SignUpClosed,
    ] {
        let (error, code) = denied(reason);
        table.push((error, ErrorKind::Denied, 403, None, code, code));
    }
    let bearer = scoped_token(&issuer)
        .email("ana@example.com", true)
        .bearer();
    for (answer, kind, status, challenge, code, reason) in table {
        let layer = ProvisionLayer::new(scoped_verifier(&issuer), Refusing(answer));
        let app = router().layer(layer);
        let refusal = Refusal::of(app, request("/me", &[&bearer])).await;
        refusal.is(reason, kind, status, challenge, code);
        assert_eq!(refusal.error.reason(), reason);
        let source = refusal.error.source().unwrap();
        assert!(source.is::<ProvisionError>(), "{reason}");
        assert!(!refusal.body.contains("10.0.0.7"), "{}", refusal.body);
    }
}

#[tokio::test]
async fn an_outage_exposes_its_cause_to_the_operator_only() {
    let issuer = issuer();
    let refusing = Refusing(ProvisionError::unavailable("pool timed out"));
    let app = router().layer(ProvisionLayer::new(scoped_verifier(&issuer), refusing));
    let refusal = Refusal::of(app, request("/me", &[&scoped_token(&issuer).bearer()])).await;
    assert_eq!(refusal.error.kind(), ErrorKind::Unavailable);
    let cause = refusal.error.source().unwrap().source().unwrap();
    assert_eq!(cause.to_string(), "pool timed out");
    assert!(!refusal.error.to_string().contains("pool"));
}

/// For any other caller the response would reveal the registered addresses.
#[tokio::test]
async fn a_conflict_is_revealed_only_to_a_caller_with_a_verified_address() {
    let issuer = issuer();
    let good = scoped_token(&issuer);
    for (name, token, code) in [
        (
            "vouched",
            good.clone().email("ana@example.com", true),
            "conflict",
        ),
        (
            "not verified",
            good.clone().email("ana@example.com", false),
            "access_denied",
        ),
        ("no address", good.clone(), "access_denied"),
        (
            "no flag",
            good.clone().claim("email", "ana@example.com"),
            "access_denied",
        ),
        (
            "a flag of text",
            good.clone()
                .claim("email", "ana@example.com")
                .claim("email_verified", "true"),
            "access_denied",
        ),
        (
            "no e-mail address",
            good.clone().email("ana", true),
            "access_denied",
        ),
    ] {
        let layer =
            ProvisionLayer::new(scoped_verifier(&issuer), Refusing(ProvisionError::Conflict));
        let app = router().layer(layer);
        let refusal = Refusal::of(app, request("/me", &[&token.bearer()])).await;
        refusal.is(name, ErrorKind::Conflict, 403, None, code);
        assert_eq!(refusal.error.reason(), "conflict", "{name}");
        let problem: Value = serde_json::from_str(&refusal.body).unwrap();
        assert_eq!(problem["title"], "access is denied", "{name}");
    }
}

#[tokio::test]
async fn a_verified_address_of_another_user_is_a_conflict() {
    let issuer = issuer();
    let app = router().layer(layer(&issuer));
    let ana = scoped_token(&issuer).email("ana@example.com", true);
    passes(app.clone(), request("/me", &[&ana.bearer()])).await;
    let eve = ana.claim("sub", "eve").email("ANA@example.com", true);
    let refusal = Refusal::of(app.clone(), request("/me", &[&eve.bearer()])).await;
    refusal.is("conflict", ErrorKind::Conflict, 403, None, "conflict");
    // An unverified address belongs to no user.
    let mallory = eve.claim("sub", "mallory").email("ana@example.com", false);
    let body = passes(app, request("/me", &[&mallory.bearer()])).await;
    assert_eq!(body, "2 created");
}

fn entry(identity: &Identity) -> Result<Entry, ProvisionError> {
    identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])
}

/// Links an identity of an issuer that is trusted to do so.
fn permit() -> Result<LinkPermit, ProvisionError> {
    let identity = TestIdentity::new("https://id.example.com", "ana")
        .with_policy(IssuerPolicy::new().with_linking(Linking::VerifiedEmail))
        .with_vouched_email("ana@example.com")
        .build();
    let candidate = Candidate::new(UserStatus::Active, identity.kind(), "mailbox", false);
    match identity.decide(Some(&candidate), None)? {
        Decision::Link(permit) => Ok(permit),
        Decision::Create(_) => Err(ProvisionError::Conflict),
    }
}

/// An application's own store, with users that are neither `Clone` nor `Debug`.
#[derive(Default)]
struct Directory(Mutex<Vec<Outcome>>);

#[async_trait]
impl Provisioner for Directory {
    type User = Account;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        let provisioned = match identity.full_name() {
            Some("created") => Provisioned::created(Account, identity.admit()?)?,
            Some("linked") => Provisioned::linked(Account, permit()?),
            Some("updated") => Provisioned::updated(Arc::new(Account), entry(identity)?),
            _ => Provisioned::found(Account, entry(identity)?),
        };
        self.0.lock().unwrap().push(provisioned.outcome());
        Ok(provisioned)
    }
}

#[tokio::test]
async fn a_custom_backend_reports_its_outcome() {
    async fn outcome(user: CurrentUser<Account>) -> &'static str {
        user.outcome().as_str()
    }
    let issuer = issuer();
    let directory = Arc::new(Directory::default());
    let layer = ProvisionLayer::new(scoped_verifier(&issuer), Arc::clone(&directory));
    let app = Router::new().route("/", get(outcome)).layer(layer);
    for name in ["created", "found", "linked", "updated", "found"] {
        let bearer = scoped_token(&issuer).claim("name", name).bearer();
        assert_eq!(passes(app.clone(), request("/", &[&bearer])).await, name);
    }
    // It caches nothing, so each request reached it.
    assert_eq!(directory.0.lock().unwrap().len(), 5);
}

/// The layer checks them itself, so a backend does not need to.
#[tokio::test]
async fn access_rules_apply_to_every_backend() {
    let issuer = issuer();
    let policy = IssuerPolicy::new().add_access_rule(Rule::claim("/department", "sales"));
    let trusted = issuer.trusted(AUDIENCE).with_policy(policy);
    let directory = Arc::new(Directory::default());
    let verifier = JwtVerifier::new([trusted]).unwrap();
    let layer = ProvisionLayer::new(verifier, Arc::clone(&directory));
    let app = Router::new().route("/", get(async || "in")).layer(layer);
    for _ in 0..2 {
        let refusal = Refusal::of(
            app.clone(),
            request("/", &[&scoped_token(&issuer).bearer()]),
        )
        .await;
        refusal.is("rule", ErrorKind::Denied, 403, None, "rule_failed");
    }
    assert!(
        directory.0.lock().unwrap().is_empty(),
        "the backend was called"
    );
    let bearer = scoped_token(&issuer).claim("department", "sales").bearer();
    assert_eq!(passes(app, request("/", &[&bearer])).await, "in");
}
