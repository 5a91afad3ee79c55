//! Sign-up of new users: approval, rules, limits.

use sea_orm::ColumnTrait;
use tower_jit_provisioning::{
    IssuerPolicy, Linking, Outcome, SignUp,
    policy::Rule,
    sea_orm::entity::{now, user_identities},
    testing::TestIdentity,
};

use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, at_once, person},
};

pub(crate) async fn a_user_who_needs_approval_is_created_once_as_pending(store: &Store) {
    let approval = IssuerPolicy::new().with_sign_up(SignUp::PendingApproval);
    let identity = person("ana")
        .with_vouched_email("ana@example.com")
        .with_roles(["editor"])
        .with_policy(approval)
        .build();
    let answers = at_once(&store.provisioner(), vec![identity.clone(); 10]).await;
    for answer in answers {
        let reason = answer.map_err(|error| error.reason()).err();
        assert_eq!(reason, Some("pending_approval"));
    }
    let rows = store.rows().await;
    rows.assert_created(1);
    assert_eq!(rows.users[0].status, "pending");
    store.assert_refused(&identity, "pending_approval").await;

    let mut row = rows.users[0].clone();
    row.status = "active".to_owned();
    store.update(row).await;
    let found = store.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().roles, ["editor"]);
}

pub(crate) async fn the_sign_up_rule_applies_to_new_users_and_access_rules_to_all(store: &Store) {
    let rule = || Rule::email_domain(["example.com"]);
    let sign_up = IssuerPolicy::new().with_sign_up(SignUp::When(rule()));
    let access = IssuerPolicy::new().add_access_rule(rule());
    let of = |token: TestIdentity, policy: &IssuerPolicy| token.with_policy(policy.clone()).build();
    for refused in [
        person("ana"),
        person("ana").with_email("ana@example.com"),
        person("ana").with_vouched_email("ana@example.com.evil.example"),
        person("ana").with_vouched_email("ana@sub.example.com"),
    ] {
        for policy in [&sign_up, &access] {
            let refused = of(refused.clone(), policy);
            store.assert_refused(&refused, "rule_failed").await;
        }
    }
    let employee = person("ana").with_vouched_email("ana@Example.com");
    let created = store.provision(&of(employee, &sign_up)).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    // The address is no longer in the token. As a known user she is subject to the access rule but
    // not to the sign-up rule.
    let found = store.provision(&of(person("ana"), &sign_up)).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    let _ = store.statements();
    store
        .assert_refused(&of(person("ana"), &access), "rule_failed")
        .await;
    assert!(
        store.statements().verbs().is_empty(),
        "decided without a read"
    );
}

pub(crate) async fn a_required_role_applies_to_all_users(store: &Store) {
    let policy = IssuerPolicy::new().require_role();
    let ana = |roles: &[&str]| {
        let token = person("ana").with_policy(policy.clone());
        token.with_roles(roles.iter().copied()).build()
    };
    store.assert_refused(&ana(&[]), "no_role").await;
    let created = store.provision(&ana(&["editor"])).await.unwrap();
    store.assert_refused(&ana(&[]), "no_role").await;
    store.grant(created.user(), "auditor", "manual").await;
    let found = store.provision(&ana(&[])).await.unwrap();
    assert_eq!(found.user().roles, ["auditor"]);
}

pub(crate) async fn a_link_without_the_required_role_writes_nothing(store: &Store) {
    store.insert(password_user("ana@example.com")).await;
    let policy = IssuerPolicy::new()
        .with_linking(Linking::VerifiedEmail)
        .require_role();
    let ana = person("ana")
        .with_vouched_email("ana@example.com")
        .with_policy(policy);
    store.assert_refused(&ana.clone().build(), "no_role").await;
    let linked = store.provision(&ana.with_roles(["editor"]).build()).await;
    assert_eq!(linked.unwrap().outcome(), Outcome::Linked);
}

pub(crate) async fn an_issuer_at_its_limit_creates_no_new_user(store: &Store) {
    let policy = IssuerPolicy::new().with_max_users(2);
    let of = |subject: &str| person(subject).with_policy(policy.clone()).build();
    for subject in ["ana", "bo"] {
        let created = store.provision(&of(subject)).await.unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
    }
    store.assert_refused(&of("cy"), "sign_up_closed").await;
    let found = store.provision(&of("ana")).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    let elsewhere = TestIdentity::new("https://other.example", "cy").with_policy(policy);
    let created = store.provision(&elsewhere.build()).await.unwrap();
    assert_eq!(
        created.outcome(),
        Outcome::Created,
        "each issuer has its own"
    );
}

pub(crate) async fn sign_ups_per_minute_are_limited(store: &Store) {
    let policy = IssuerPolicy::new().with_max_sign_ups_per_minute(2);
    let of = |subject: &str| person(subject).with_policy(policy.clone()).build();
    for subject in ["ana", "bo"] {
        store.provision(&of(subject)).await.unwrap();
    }
    store.assert_refused(&of("cy"), "sign_up_closed").await;
    a_minute_passes(store).await;
    let created = store.provision(&of("cy")).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
}

async fn a_minute_passes(store: &Store) {
    use sea_orm::{EntityTrait, QueryFilter, sea_query::Expr};

    let created_at = user_identities::Column::CreatedAt;
    user_identities::Entity::update_many()
        .col_expr(created_at, Expr::value(now() - time::Duration::seconds(61)))
        .filter(created_at.is_not_null())
        .exec(&store.db)
        .await
        .unwrap();
}

/// Different people sign up concurrently: no more users are created than the limit allows.
pub(crate) async fn concurrent_sign_ups_do_not_exceed_the_limits(store: &Store) {
    let provisioner = store.provisioner();
    let policies = [
        IssuerPolicy::new().with_max_users(5),
        IssuerPolicy::new().with_max_sign_ups_per_minute(5),
    ];
    for (number, policy) in policies.into_iter().enumerate() {
        let issuer = format!("https://{number}.example");
        let crowd = (0..40).map(|subject| {
            let newcomer = TestIdentity::new(&issuer, format!("{subject}"));
            newcomer.with_policy(policy.clone()).build()
        });
        let mut created = 0;
        for answer in at_once(&provisioner, crowd).await {
            match answer {
                Ok(newcomer) => {
                    assert_eq!(newcomer.outcome(), Outcome::Created);
                    created += 1;
                }
                Err(error) => assert_eq!(error.reason(), "sign_up_closed"),
            }
        }
        assert_eq!(created, 5);
    }
    store.rows().await.assert_created(10);
}

/// The winner of the race uses up the limit, and the other requests are from the same person.
pub(crate) async fn concurrent_requests_of_the_last_allowed_user_are_not_refused(store: &Store) {
    let provisioner = store.provisioner();
    for round in 0..10 {
        let policy = IssuerPolicy::new().with_max_users(round + 1);
        let ana = person(&format!("ana{round}")).with_policy(policy).build();
        let mut created = 0;
        for answer in at_once(&provisioner, vec![ana; 20]).await {
            created += usize::from(answer.unwrap().outcome() == Outcome::Created);
        }
        assert_eq!(created, 1);
    }
    let rows = store.rows().await;
    rows.assert_created(10);
    assert!(rows.identities.iter().all(|row| row.issuer == ISSUER));
}
