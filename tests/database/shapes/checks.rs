//! Checks for every shape of tables.

use std::{collections::HashSet, time::Duration};

use tokio::time::timeout;
use tower_jit_provisioning::{
    Identity, IssuerPolicy, Linking, Outcome, Provisioner, testing::TestIdentity,
};

use super::Shaped;
use crate::{
    common::shapes::{HASH, Shape},
    fixture::{Store, at_once, person},
};

pub(crate) const ADDRESS: &str = "ana@example.com";

pub(crate) fn policy() -> IssuerPolicy {
    IssuerPolicy::new().with_linking(Linking::VerifiedEmail)
}

/// Returns a person with a verified address, at an issuer that links.
pub(crate) fn linking(subject: &str) -> TestIdentity {
    person(subject)
        .with_vouched_email("Ana@Example.com")
        .with_policy(policy())
}

pub(crate) async fn a_known_user_costs_one_statement<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let identity = person("ana").with_vouched_email(ADDRESS).build();
    let created = shaped.provisioner.provision(&identity).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    let _ = store.statements();
    for _ in 0..2 {
        let found = shaped.provisioner.provision(&identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(S::id(found.user()), S::id(created.user()));
        let verbs = store.statements().verbs();
        assert_eq!(verbs, [format!("SELECT {}", S::IDENTITIES)]);
    }
    assert_eq!(shaped.counts().await, (1, 1));
}

pub(crate) async fn concurrent_first_logins_create_one_user<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    for (subject, address) in [("ana", None), ("bo", Some("bo@example.com"))] {
        let identity = match address {
            Some(address) => person(subject).with_vouched_email(address).build(),
            None => person(subject).build(),
        };
        assert_one_reports(&shaped, &identity, Outcome::Created).await;
    }
    assert_eq!(shaped.counts().await, (2, 2));
}

pub(crate) async fn concurrent_linking_attaches_one_identity<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let id = shaped.import(ADDRESS).await;
    let identity = linking("ana").build();
    let reported = assert_one_reports(&shaped, &identity, Outcome::Linked).await;
    assert_eq!(reported, id);
    assert_eq!(shaped.counts().await, (1, 1));
}

/// Asserts that one of fifty concurrent requests has the outcome and the others find the same user.
async fn assert_one_reports<S: Shape>(
    shaped: &Shaped<'_, S>,
    identity: &Identity,
    outcome: Outcome,
) -> String {
    let answers = at_once(&shaped.provisioner, vec![identity.clone(); 50]).await;
    let mut reported = 0;
    let mut ids = HashSet::new();
    for answer in answers {
        let provisioned = answer.unwrap();
        match provisioned.outcome() {
            it if it == outcome => reported += 1,
            it => assert_eq!(it, Outcome::Found),
        }
        ids.insert(S::id(provisioned.user()));
    }
    assert_eq!((reported, ids.len()), (1, 1));
    ids.into_iter().next().unwrap()
}

pub(crate) async fn cancelled_calls_leave_no_partial_user<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let identities = ["ana", "bo", "cy"].map(|subject| {
        let address = format!("{subject}@example.com");
        person(subject).with_vouched_email(&address).build()
    });
    let calls: Vec<_> = (0..60)
        .map(|number: u64| {
            let provisioner = shaped.provisioner.clone();
            let identity = identities[number as usize % identities.len()].clone();
            tokio::spawn(async move {
                let call = provisioner.provision(&identity);
                if number.is_multiple_of(2) {
                    return Some(call.await.map(|it| it.outcome()));
                }
                // The cancellations are spread over the whole duration of the calls.
                let answer = timeout(Duration::from_micros(number * 300), call).await;
                answer.ok().map(|it| it.map(|it| it.outcome()))
            })
        })
        .collect();
    for call in calls {
        let answer = call.await.unwrap();
        assert!(answer.is_none_or(|answer| answer.is_ok()));
    }
    for identity in &identities {
        let found = shaped.provisioner.provision(identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
    }
    assert_eq!(shaped.counts().await, (3, 3));
}

pub(crate) async fn a_password_user_is_linked_and_keeps_the_password<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let id = shaped.import(ADDRESS).await;
    let identity = linking("ana").build();
    for outcome in [Outcome::Linked, Outcome::Found] {
        let known = shaped.provisioner.provision(&identity).await.unwrap();
        assert_eq!(known.outcome(), outcome);
        assert_eq!(S::id(known.user()), id);
    }
    assert_eq!(shaped.counts().await, (1, 1));

    let stranger = person("bo").with_vouched_email("bo@example.com").build();
    let created = shaped.provisioner.provision(&stranger).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_eq!(shaped.passwords().await, [HASH]);
}

pub(crate) async fn a_taken_address_is_a_conflict<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    shaped.import(ADDRESS).await;
    let refuse = async |identity: TestIdentity| {
        let before = shaped.counts().await;
        let refused = shaped.provisioner.provision(&identity.build()).await;
        assert_eq!(refused.map_err(|it| it.reason()).err(), Some("conflict"));
        assert_eq!(
            shaped.counts().await,
            before,
            "a rejection wrote to the tables"
        );
    };
    refuse(linking("ana").with_policy(IssuerPolicy::new())).await;
    let linked = shaped.provisioner.provision(&linking("ana").build()).await;
    assert_eq!(linked.unwrap().outcome(), Outcome::Linked);
    refuse(linking("recycled")).await;
    assert_eq!(shaped.passwords().await, [HASH]);
}

pub(crate) async fn an_unverified_address_neither_links_nor_blocks<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let id = shaped.import(ADDRESS).await;
    for subject in ["eve", "mallory"] {
        let identity = person(subject).with_email(ADDRESS).with_policy(policy());
        let created = shaped.provisioner.provision(&identity.build()).await;
        let created = created.unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
        assert_ne!(S::id(created.user()), id);
    }
    assert_eq!(shaped.counts().await, (3, 2));
}

pub(crate) async fn an_inactive_user_is_refused<S: Shape>(store: &Store) {
    let shaped = Shaped::<S>::create(store).await;
    let identity = person("ana").build();
    shaped.provisioner.provision(&identity).await.unwrap();
    for (status, reason) in [
        ("deactivated", "deactivated"),
        ("pending", "pending_approval"),
        ("something", "deactivated"),
    ] {
        shaped
            .execute(&format!("UPDATE {} SET status = '{status}'", S::USERS))
            .await;
        let refused = shaped.provisioner.provision(&identity).await;
        assert_eq!(refused.map_err(|it| it.reason()).err(), Some(reason));
    }
    assert_eq!(shaped.counts().await, (1, 1));
}
