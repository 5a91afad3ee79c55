//! Linking an unknown identity to an existing user, and the cases where it is not linked.

use std::time::Duration;

use sea_orm::{ActiveModelTrait, IntoActiveModel, TransactionTrait};
use tokio::time::timeout;
use tower_jit_provisioning::{
    Email, IssuerPolicy, Linking, Outcome, PrincipalKind, Provisioner,
    sea_orm::entity::{now, users},
    testing::TestIdentity,
};

use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, at_once, person},
};

const ADDRESS: &str = "ana@example.com";

fn policy() -> IssuerPolicy {
    IssuerPolicy::new().with_linking(Linking::VerifiedEmail)
}

/// Returns a person with a verified address, at an issuer that links.
fn linking(subject: &str) -> TestIdentity {
    person(subject)
        .with_vouched_email("Ana@Example.com")
        .with_policy(policy())
}

pub(crate) async fn a_verified_password_user_is_linked(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let identity = linking("ana").with_roles(["editor"]).build();
    let linked = store.provision(&identity).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().id, owner.id);
    assert_eq!(linked.user().roles, ["editor"]);
    let rows = store.rows().await;
    assert_eq!(rows.users.len(), 1);
    assert_eq!(rows.users[0], owner, "linking changes no user");
    assert_eq!(rows.identities.len(), 1);
    assert_eq!(rows.identities[0].user_id, owner.id);
    assert_eq!(rows.events.len(), 1);
    assert_eq!(rows.events[0].event, "linked");
    assert_eq!(rows.events[0].user_id, owner.id);

    let found = store.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().id, owner.id);
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn linking_costs_nine_reads_and_two_inserts(store: &Store) {
    store.insert(password_user(ADDRESS)).await;
    store.provision(&linking("ana").build()).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            // The candidate, before the transaction and inside it.
            "SELECT link_tickets",
            "SELECT users",
            "SELECT user_identities",
            "SELECT link_tickets",
            "SELECT users",
            "SELECT user_identities",
            "INSERT user_identities",
            // Grants that an earlier identity may have left behind.
            "SELECT role_grants",
            "INSERT user_events",
            // Grants and status, as every later request reads them.
            "SELECT users",
        ]
    );
}

pub(crate) async fn concurrent_linking_attaches_one_identity(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let answers = at_once(&store.provisioner(), vec![linking("ana").build(); 20]).await;
    let mut linked = 0;
    for answer in answers {
        let provisioned = answer.unwrap();
        assert_eq!(provisioned.user().id, owner.id);
        match provisioned.outcome() {
            Outcome::Linked => linked += 1,
            outcome => assert_eq!(outcome, Outcome::Found),
        }
    }
    assert_eq!(linked, 1);
    let rows = store.rows().await;
    assert_eq!(rows.users, [owner]);
    assert_eq!(rows.identities.len(), 1);
    assert_eq!(rows.events.len(), 1);
}

pub(crate) async fn two_issuers_link_to_one_user(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let other = TestIdentity::new("https://other.example", "ana")
        .with_vouched_email(ADDRESS)
        .with_policy(policy());
    let identities = [linking("ana").build(), other.build()];
    for answer in at_once(&store.provisioner(), identities).await {
        let linked = answer.unwrap();
        assert_eq!(linked.outcome(), Outcome::Linked);
        assert_eq!(linked.user().id, owner.id);
    }
    assert_eq!(store.rows().await.identities.len(), 2);
}

pub(crate) async fn a_concurrently_deactivated_candidate_is_not_linked(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let operator = store.connect(1).await.unwrap();
    let deactivation = operator.begin().await.unwrap();
    let mut row = owner.clone().into_active_model().reset_all();
    row.status = sea_orm::Set("deactivated".to_owned());
    row.update(&deactivation).await.unwrap();

    let provisioner = store.provisioner();
    let mut call =
        tokio::spawn(async move { provisioner.provision(&linking("ana").build()).await });
    // Reads of the identity, the candidate and its identities: the call has decided to link.
    store.statements_answered(3).await;
    let early = timeout(Duration::from_millis(100), &mut call).await;
    assert!(early.is_err(), "linked without waiting for the row's lock");
    deactivation.commit().await.unwrap();

    let refused = call.await.unwrap();
    assert_eq!(refused.map_err(|it| it.reason()).err(), Some("conflict"));
    let rows = store.rows().await;
    assert_eq!(rows.users[0].status, "deactivated");
    assert!(rows.identities.is_empty() && rows.events.is_empty());
}

pub(crate) async fn linking_is_off_by_default(store: &Store) {
    store.insert(password_user(ADDRESS)).await;
    let identity = linking("ana").with_policy(IssuerPolicy::new()).build();
    store.assert_refused(&identity, "conflict").await;
}

pub(crate) async fn only_an_active_candidate_is_linked(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    for status in ["deactivated", "deleted", "pending", "Active", "something"] {
        let mut row = owner.clone();
        row.status = status.to_owned();
        store.update(row).await;
        let identity = linking("ana").build();
        store.assert_refused(&identity, "conflict").await;
    }
}

pub(crate) async fn an_address_verified_by_an_untrusted_source_is_a_conflict(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    for source in [Some("issuer:https://other.example"), Some("Mailbox"), None] {
        let mut row = owner.clone();
        row.email_verified_by = source.map(str::to_owned);
        store.update(row).await;
        let identity = linking("ana").build();
        store.assert_refused(&identity, "conflict").await;
    }
}

pub(crate) async fn the_policy_defines_the_trusted_sources(store: &Store) {
    let other = TestIdentity::new("https://other.example", "ana").with_vouched_email(ADDRESS);
    let created = store.provision(&other.build()).await.unwrap();
    let narrow = policy().with_trusted_email_sources(["issuer:https://third.example"]);
    let identity = linking("ana").with_policy(narrow).build();
    store.assert_refused(&identity, "conflict").await;

    let wide = policy().with_trusted_email_sources(["issuer:https://other.example"]);
    let identity = linking("ana").with_policy(wide).build();
    let linked = store.provision(&identity).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().id, created.user().id);
}

pub(crate) async fn a_second_subject_of_the_same_issuer_is_a_conflict(store: &Store) {
    store.insert(password_user(ADDRESS)).await;
    let linked = store.provision(&linking("ana").build()).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    let recycled = linking("ana2").build();
    store.assert_refused(&recycled, "conflict").await;
}

pub(crate) async fn the_user_of_a_service_is_not_linked(store: &Store) {
    let robot = TestIdentity::new("https://other.example", "robot")
        .with_kind(PrincipalKind::Service)
        .with_policy(policy().allow_services());
    let robot = store.provision(&robot.build()).await.unwrap();
    let mut row = store.user(robot.user().id).await;
    row.email_key = password_user(ADDRESS).email_key;
    row.email_verified_by = Some("import".to_owned());
    store.update(row).await;
    let identity = linking("ana").build();
    store.assert_refused(&identity, "conflict").await;
}

pub(crate) async fn a_service_never_links(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let service = linking("robot").with_kind(PrincipalKind::Service);
    store
        .assert_refused(&service.clone().build(), "sign_up_closed")
        .await;

    let allowed = service.with_policy(policy().allow_services()).build();
    let created = store.provision(&allowed).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_ne!(created.user().id, owner.id);
    assert_eq!(store.user(created.user().id).await.email_key, None);
    assert_eq!(store.user(owner.id).await, owner);
}

pub(crate) async fn an_unverified_local_address_is_not_linked(store: &Store) {
    let unproved = users::Model {
        email_key: None,
        email_verified_by: None,
        ..password_user(ADDRESS)
    };
    let squatter = store.insert(unproved).await;
    let created = store.provision(&linking("ana").build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_ne!(created.user().id, squatter.id);
    assert!(created.user().email_is_verified);
    assert_eq!(store.user(squatter.id).await, squatter);
}

pub(crate) async fn a_user_of_another_tenant_is_not_linked(store: &Store) {
    let key = |tenant| Email::parse(ADDRESS).map(|email| email.key(tenant));
    let acme = users::Model {
        tenant: "acme".to_owned(),
        email_key: key("acme"),
        ..password_user(ADDRESS)
    };
    let acme = store.insert(acme).await;
    // An application that computes the key without the tenant links no user across tenants either.
    let forgetful = users::Model {
        tenant: "umbrella".to_owned(),
        email_key: key("initech"),
        ..password_user(ADDRESS)
    };
    let forgetful = store.insert(forgetful).await;

    let created = store.provision(&linking("ana").build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert!(created.user().email_is_verified);
    let initech = linking("ana").with_tenant("initech").build();
    store.assert_refused(&initech, "conflict").await;
    assert_eq!(store.user(acme.id).await, acme);
    assert_eq!(store.user(forgetful.id).await, forgetful);

    let same_tenant = linking("ana").with_tenant("acme").build();
    let linked = store.provision(&same_tenant).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().id, acme.id);
}

pub(crate) async fn a_revoked_token_links_no_user(store: &Store) {
    let revoked = users::Model {
        tokens_valid_after: Some(now()),
        ..password_user(ADDRESS)
    };
    let owner = store.insert(revoked).await;
    store
        .assert_refused(&linking("ana").build(), "revoked")
        .await;
    let old = linking("ana").with_issued_at(1_000).build();
    store.assert_refused(&old, "revoked").await;

    let fresh = linking("ana").with_issued_at(i64::MAX).build();
    let linked = store.provision(&fresh).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().id, owner.id);
    assert_eq!(linked.user().email.as_deref(), Some(ADDRESS));
    assert!(
        linked.tokens_valid_after().is_some(),
        "a cache needs it to reject older tokens"
    );
    assert_eq!(store.rows().await.identities[0].issuer, ISSUER);
}
