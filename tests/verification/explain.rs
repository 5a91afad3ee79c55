//! Explanations reach the same decisions as requests, write nothing, and name the reason.

use std::collections::BTreeSet;

use tower_jit_provisioning::{
    IssuerPolicy, JwtVerifier, Linking, MemoryProvisioner, Outcome, PrincipalKind, Provisioner,
    SignUp, TrustedIssuer, UserStatus,
    explain::{self, Explanation, StepResult},
    policy::Rule,
    testing::{TestIdentity, TestIssuer, TokenBuilder},
};

const ISSUER: &str = "https://id.example.com";

struct Setup {
    issuer: TestIssuer,
    verifier: JwtVerifier,
    users: MemoryProvisioner,
}

impl Setup {
    fn new(policy: IssuerPolicy) -> Self {
        Self::of(|trusted| trusted.with_policy(policy))
    }

    fn of(configure: impl FnOnce(TrustedIssuer) -> TrustedIssuer) -> Self {
        let issuer = TestIssuer::new(ISSUER);
        let trusted = configure(issuer.trusted("orders-api"));
        Self {
            verifier: JwtVerifier::new([trusted]).unwrap(),
            users: MemoryProvisioner::new(),
            issuer,
        }
    }

    fn token(&self) -> TokenBuilder {
        self.issuer.token("ana").audience("orders-api")
    }

    async fn explain(&self, token: &TokenBuilder) -> Explanation {
        let before = self.users.len();
        let explanation = explain::explain_token(&self.verifier, &self.users, &token.sign()).await;
        assert_eq!(self.users.len(), before, "an explanation made a user");
        explanation
    }

    /// Asserts that an explanation and a request have the same result.
    async fn agrees(&self, token: &TokenBuilder) -> Result<Outcome, &'static str> {
        let explained = self.explain(token).await.verdict();
        let happened = match self.verifier.verify(&token.sign()).await {
            Err(error) => Err(error.reason()),
            Ok(identity) => match self.users.provision(&identity).await {
                Err(error) => Err(error.reason()),
                Ok(provisioned) => Ok(provisioned.outcome()),
            },
        };
        assert_eq!(explained, happened);
        explained
    }
}

fn failed(explanation: &Explanation) -> Vec<&str> {
    let steps = explanation.steps().iter();
    let failed = steps.filter(|step| step.result() == StepResult::Failed);
    failed.map(|step| step.name()).collect()
}

#[tokio::test]
async fn the_first_and_second_request_are_distinguished() {
    let setup = Setup::new(IssuerPolicy::new());
    assert_eq!(setup.agrees(&setup.token()).await, Ok(Outcome::Created));
    assert_eq!(setup.agrees(&setup.token()).await, Ok(Outcome::Found));
    let explanation = setup.explain(&setup.token()).await;
    assert!(failed(&explanation).is_empty(), "{explanation}");
}

#[tokio::test]
async fn every_rejection_names_the_failed_check() {
    let open = IssuerPolicy::new;
    for (policy, token, check, reason) in [
        (
            open(),
            setup_token(|token| token.audience("billing")),
            "audience",
            "audience",
        ),
        (
            open(),
            setup_token(|token| token.expired_for(HOUR)),
            "times",
            "expired",
        ),
        (
            open(),
            setup_token(|token| token.claim("iss", "https://evil.example")),
            "issuer",
            "issuer",
        ),
        (
            open(),
            setup_token(|token| token.header("typ", "logout+jwt")),
            "token type",
            "token_type",
        ),
        (
            open(),
            setup_token(|token| token.header("crit", "b64")),
            "header",
            "critical_header",
        ),
        (
            open(),
            setup_token(|token| token.header("kid", "other")),
            "key",
            "key",
        ),
        (
            open(),
            setup_token(|token| token.claim("sub", 5)),
            "subject",
            "subject",
        ),
        (
            open(),
            setup_token(|token| token.claim("cnf", "x")),
            "proof",
            "proof_of_possession",
        ),
        (
            open().with_sign_up(SignUp::Closed),
            plain(),
            "sign-up",
            "sign_up_closed",
        ),
        (
            open().with_sign_up(SignUp::PendingApproval),
            plain(),
            "approval",
            "pending_approval",
        ),
        (
            open().with_sign_up(SignUp::When(Rule::scope("x"))),
            plain(),
            "sign-up",
            "rule_failed",
        ),
        (
            open().add_access_rule(Rule::scope("x")),
            plain(),
            "access rule",
            "rule_failed",
        ),
        (open().require_role(), plain(), "roles", "no_role"),
        (
            open().with_max_users(0),
            plain(),
            "limits",
            "sign_up_closed",
        ),
    ] {
        let setup = Setup::new(policy);
        let token = token(setup.token());
        let explanation = setup.explain(&token).await;
        assert_eq!(failed(&explanation), [check], "{explanation}");
        assert_eq!(setup.agrees(&token).await, Err(reason));
    }
}

const HOUR: std::time::Duration = std::time::Duration::from_secs(3600);

type Bend = Box<dyn Fn(TokenBuilder) -> TokenBuilder>;

fn setup_token(bend: impl Fn(TokenBuilder) -> TokenBuilder + 'static) -> Bend {
    Box::new(bend)
}

fn plain() -> Bend {
    Box::new(|token| token)
}

#[tokio::test]
async fn a_malformed_token_fails_its_format_check_and_skips_the_others() {
    let setup = Setup::new(IssuerPolicy::new());
    for nonsense in ["", "x", "a.b", "a.b.c.d", "\u{1b}[2J", &"x".repeat(20_000)] {
        let explanation = explain::explain_token(&setup.verifier, &setup.users, nonsense).await;
        assert_eq!(failed(&explanation), ["form"], "{explanation}");
        let skipped = |step: &explain::Step| step.result() == StepResult::Skipped;
        assert!(
            explanation.steps()[1..].iter().all(skipped),
            "{explanation}"
        );
    }
}

#[tokio::test]
async fn the_reasons_to_reject_a_known_user_are_named() {
    let setup = Setup::new(IssuerPolicy::new());
    setup.agrees(&setup.token()).await.unwrap();
    let key = TestIdentity::new(ISSUER, "ana").build().key();
    setup.users.set_status(key, UserStatus::Deactivated);
    assert_eq!(setup.agrees(&setup.token()).await, Err("deactivated"));
    // Deactivation also invalidates tokens issued before it.
    assert_eq!(
        failed(&setup.explain(&setup.token()).await),
        ["status", "revocation"]
    );

    let setup = Setup::new(IssuerPolicy::new());
    setup.agrees(&setup.token()).await.unwrap();
    setup.users.revoke_tokens(key, i64::MAX);
    assert_eq!(setup.agrees(&setup.token()).await, Err("revoked"));
    assert_eq!(failed(&setup.explain(&setup.token()).await), ["revocation"]);
}

#[tokio::test]
async fn every_condition_of_linking_is_named() {
    let policy = |linking| {
        let policy = IssuerPolicy::new().with_linking(linking);
        policy.with_trusted_email_sources(["mailbox"])
    };
    let setup = Setup::new(policy(Linking::VerifiedEmail));
    let first = setup.issuer.token("bo").audience("orders-api");
    let first = first.email("ana@example.com", true);
    setup.agrees(&first).await.unwrap();
    let second = setup.token().email("ana@example.com", true);
    assert_eq!(setup.agrees(&second).await, Err("conflict"));
    let explanation = setup.explain(&second).await;
    // The issuer has another subject for that user, and is not a trusted source of verified
    // addresses.
    assert_eq!(
        failed(&explanation),
        ["linking", "holder identity"],
        "{explanation}"
    );
}

#[tokio::test]
async fn an_address_of_another_user_is_not_an_update() {
    use tower_jit_provisioning::explain::Explain;

    let users = MemoryProvisioner::new();
    let token = |subject: &str, issued_at| {
        TestIdentity::new(ISSUER, subject)
            .with_issued_at(issued_at)
            .with_vouched_email("ana@example.com")
            .build()
    };
    users.provision(&token("ana", 1)).await.unwrap();
    let bo = TestIdentity::new(ISSUER, "bo").with_issued_at(1).build();
    users.provision(&bo).await.unwrap();

    let grasping = token("bo", 2);
    let (steps, explained) = users.explain(&grasping).await;
    assert_eq!(explained.unwrap(), Outcome::Found, "{steps:?}");
    let happened = users.provision(&grasping).await.unwrap();
    assert_eq!(happened.outcome(), Outcome::Found);
}

#[tokio::test]
async fn claims_are_explained_without_a_signature() {
    let setup = Setup::new(IssuerPolicy::new().map_role("staff", "editor"));
    let claims = |audience: &str| {
        format!(
            r#"{{"iss":"{ISSUER}","sub":"ana","aud":"{audience}","exp":{}}}"#,
            4_000_000_000_u64
        )
    };
    let explain =
        async |claims: &str| explain::explain_claims(&setup.verifier, &setup.users, claims).await;
    let explanation = explain(&claims("orders-api")).await;
    assert_eq!(explanation.verdict(), Ok(Outcome::Created), "{explanation}");
    let of = |name| explanation.steps().iter().find(|step| step.name() == name);
    assert_eq!(of("signature").unwrap().result(), StepResult::Skipped);
    assert!(setup.users.is_empty());

    assert_eq!(explain(&claims("billing")).await.verdict(), Err("audience"));
    assert_eq!(explain("[]").await.verdict(), Err("claims"));
    assert_eq!(explain("{}").await.verdict(), Err("issuer"));
}

#[tokio::test]
async fn an_explanation_escapes_control_characters_and_redacts_its_debug_output() {
    let setup = Setup::of(|trusted| trusted);
    let token = setup.token().claim("aud", "\u{1b}[2J\u{7}orders");
    let explanation = setup.explain(&token).await;
    let shown = explanation.to_string();
    assert!(
        shown.chars().all(|c| c == '\n' || !c.is_control()),
        "{shown:?}"
    );
    let debug = format!("{explanation:?} {:?}", explanation.steps());
    assert!(!debug.contains("orders"), "{debug}");
}

mod properties {
    use proptest::prelude::*;

    use super::*;

    fn policy() -> impl Strategy<Value = IssuerPolicy> {
        let sign_up = prop_oneof![
            Just(SignUp::Open),
            Just(SignUp::Closed),
            Just(SignUp::PendingApproval),
            Just(SignUp::When(Rule::email_domain(["example.com"]))),
        ];
        let switches = proptest::collection::vec(any::<bool>(), 6);
        (sign_up, switches).prop_map(|(sign_up, switches)| {
            let mut policy = IssuerPolicy::new()
                .with_sign_up(sign_up)
                .with_trusted_email_sources(["mailbox".to_owned(), format!("issuer:{OTHER}")]);
            if switches[0] {
                policy = policy.with_linking(Linking::VerifiedEmail);
            }
            if switches[1] {
                policy = policy.allow_services();
            }
            if switches[2] {
                policy = policy.require_role();
            }
            if switches[3] {
                policy = policy.add_access_rule(Rule::role("staff"));
            }
            if switches[4] {
                policy = policy.with_max_users(1);
            }
            if switches[5] {
                policy = policy.allow_anonymous_users();
            }
            policy
        })
    }

    const OTHER: &str = "https://other.example";

    fn identity() -> impl Strategy<Value = TestIdentity> {
        let kind = prop_oneof![
            4 => Just(PrincipalKind::Human),
            1 => Just(PrincipalKind::Service),
            1 => Just(PrincipalKind::Anonymous),
        ];
        let issuer = prop_oneof![Just(ISSUER), Just(OTHER)];
        let address = proptest::option::of((0_u8..2, any::<bool>()));
        let roles = proptest::option::of(proptest::collection::vec("staff|root", 0..2));
        (
            issuer,
            0_u8..3,
            kind,
            address,
            roles,
            proptest::option::of(0_i64..3),
        )
            .prop_map(|(issuer, subject, kind, address, roles, issued_at)| {
                let mut identity = TestIdentity::new(issuer, subject.to_string()).with_kind(kind);
                if let Some((local, is_vouched)) = address {
                    let address = format!("{local}@example.com");
                    identity = match is_vouched {
                        true => identity.with_vouched_email(&address),
                        false => identity.with_email(&address),
                    };
                }
                if let Some(roles) = roles {
                    identity = identity.with_roles(roles);
                }
                if let Some(issued_at) = issued_at {
                    identity = identity.with_issued_at(issued_at);
                }
                identity
            })
    }

    proptest! {
        /// The next request always has the result that its explanation predicted, and every
        /// rejection has a failed step.
        #[test]
        fn an_explanation_predicts_the_next_request(
            policy in policy(),
            requests in proptest::collection::vec((identity(), any::<u8>()), 1..12),
        ) {
            use tower_jit_provisioning::explain::Explain;

            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            runtime.block_on(async {
                let users = MemoryProvisioner::new();
                let mut outcomes = BTreeSet::new();
                for (identity, change) in requests {
                    let identity = identity.with_policy(policy.clone()).build();
                    let (steps, explained) = users.explain(&identity).await;
                    let happened = users.provision(&identity).await;
                    let happened = happened.map(|user| user.outcome());
                    let is_ruled_out = happened.as_ref().is_err_and(|error| error.reason() == "rule_failed");
                    let label = |verdict: Result<Outcome, _>| match verdict {
                        Ok(outcome) => Ok(outcome),
                        Err(error) => Err(tower_jit_provisioning::ProvisionError::reason(&error)),
                    };
                    let (explained, happened) = (label(explained), label(happened));
                    // `explain_token` covers access rules.
                    if !is_ruled_out {
                        assert_eq!(explained, happened, "{steps:?}");
                        let has_failed = steps.iter().any(|step| step.result() == StepResult::Failed);
                        assert_eq!(has_failed, happened.is_err(), "{steps:?}");
                    }
                    outcomes.insert(format!("{happened:?}"));
                    match change {
                        0..20 => drop(users.set_status(identity.key(), UserStatus::Deactivated)),
                        20..40 => drop(users.revoke_tokens(identity.key(), 1)),
                        40..60 => drop(users.set_status(identity.key(), UserStatus::Active)),
                        _ => {}
                    }
                }
            });
        }
    }
}
