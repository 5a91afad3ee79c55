//! The first request of an identity.

use std::{collections::HashSet, time::Duration};

use sea_orm::ConnectionTrait;
use tokio::time::timeout;
use tower_jit_provisioning::{
    Email, Identity, Outcome, ProvisionError, Provisioner, UserStatus,
    sea_orm::{entity::now, issuer_key},
    testing::TestIdentity,
};

use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, at_once, person},
};

pub(crate) async fn first_request_creates_a_user_and_the_second_finds_it(store: &Store) {
    let identity = person("ana")
        .with_vouched_email("Ana@Example.com")
        .with_full_name("Ana Lind")
        .with_roles(["editor", "admin", "editor"])
        .build();
    let before = now().assume_utc();
    let created = store.provision(&identity).await.unwrap();
    let after = now().assume_utc();
    assert_eq!(created.outcome(), Outcome::Created);
    let user = created.user();
    assert_eq!(user.tenant, "");
    assert_eq!(user.email.as_deref(), Some("Ana@Example.com"));
    assert!(user.email_is_verified);
    assert_eq!(user.full_name.as_deref(), Some("Ana Lind"));
    assert_eq!(user.status, UserStatus::Active);
    assert_eq!(user.roles, ["admin", "editor"]);
    assert!((before..=after).contains(&user.created_at));
    assert_eq!(user.updated_at, user.created_at);
    assert_eq!(user.last_seen_at, Some(user.created_at));

    let found = store.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    // This includes times: the created user equals the stored row, to the microsecond.
    assert!(found.user() == user, "the user was read back differently");

    let rows = store.rows().await;
    rows.assert_created(1);
    let row = &rows.users[0];
    let key = Email::parse("ana@example.com").unwrap().key("");
    assert_eq!(row.email_key, Some(key));
    let source = format!("issuer:{ISSUER}");
    assert_eq!(row.email_verified_by, Some(source));
    assert_eq!(row.hashed_password, None);
    assert_eq!(row.tokens_valid_after, None);
    let recorded = &rows.identities[0];
    assert_eq!(recorded.identity_key, identity.key().to_string());
    assert_eq!(recorded.issuer_key, issuer_key(ISSUER));
    assert_eq!(recorded.issuer, ISSUER);
    assert_eq!(recorded.subject, "ana");
    assert_eq!(recorded.kind, "human");
    let event = &rows.events[0];
    assert_eq!(event.identity_key.as_ref(), Some(&recorded.identity_key));
    let grants: Vec<_> = rows
        .grants
        .iter()
        .map(|grant| (&*grant.role, &*grant.source))
        .collect();
    let of_issuer = format!("issuer:{}", issuer_key(ISSUER));
    assert_eq!(grants, [("admin", &*of_issuer), ("editor", &*of_issuer)]);
}

pub(crate) async fn a_subject_alone_is_enough(store: &Store) {
    let created = store.provision(&person("ana").build()).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    let user = created.user();
    assert_eq!((&user.email, &user.full_name), (&None, &None));
    assert!(!user.email_is_verified);
    assert!(user.roles.is_empty());
    let row = store.user(user.id).await;
    assert_eq!(row.email_key, None);
    assert_eq!(row.email_verified_by, None);
    assert_eq!(row.hashed_password, None);
}

pub(crate) async fn first_login_costs_one_read_and_three_inserts(store: &Store) {
    store.provision(&person("ana").build()).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "INSERT users",
            "INSERT user_identities",
            "INSERT user_events",
        ]
    );
}

pub(crate) async fn a_verified_address_costs_two_more_reads(store: &Store) {
    let identity = person("ana").with_vouched_email("ana@example.com").build();
    store.provision(&identity).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "SELECT link_tickets",
            "SELECT users",
            "INSERT users",
            "INSERT user_identities",
            "INSERT user_events",
        ]
    );
}

pub(crate) async fn identities_that_differ_in_any_part_are_different_users(store: &Store) {
    let identities = [
        person("ana"),
        person("bo"),
        person("Ana"),
        person("ana "),
        person(" ana"),
        person("an\u{e1}"),
        person("ana").with_tenant("acme"),
        person("ana").with_tenant("Acme"),
        person("ana").with_tenant("acme "),
        TestIdentity::new("https://id.example.com/", "ana"),
        TestIdentity::new("https://ID.example.com", "ana"),
        TestIdentity::new("https://other.example", "ana"),
        TestIdentity::new("a", "bc"),
        TestIdentity::new("ab", "c"),
        TestIdentity::new("b", "c").with_tenant("a"),
    ]
    .map(TestIdentity::build);
    let mut ids = HashSet::new();
    for identity in &identities {
        let created = store.provision(identity).await.unwrap();
        assert_eq!(created.outcome(), Outcome::Created, "{identity:?}");
        ids.insert(created.user().id);
    }
    assert_eq!(ids.len(), identities.len());
    for identity in &identities {
        let found = store.provision(identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found, "{identity:?}");
        assert_eq!(found.user().tenant, identity.tenant());
    }
    store.rows().await.assert_created(identities.len());
}

pub(crate) async fn long_and_unusual_subjects_are_stored_byte_for_byte(store: &Store) {
    let long_issuer = format!("https://id.example.com/{}", "i".repeat(489));
    assert_eq!(long_issuer.len(), 512);
    let many_emoji = "\u{1f984}".repeat(63);
    let identities = [
        person(&"s".repeat(255)).with_vouched_email("ana@example.com"),
        TestIdentity::new(&long_issuer, "s".repeat(255)).with_vouched_email("bo@example.com"),
        person("\u{1f469}\u{200d}\u{1f469}\u{200d}\u{1f467}"),
        person(&many_emoji).with_full_name(&many_emoji),
        person("'; DROP TABLE users; --"),
        person("%_\\\"`$1?"),
    ]
    .map(TestIdentity::build);
    for identity in &identities {
        let created = store.provision(identity).await.unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
        let found = store.provision(identity).await.unwrap();
        assert!(found.user() == created.user());
        let rows = store.rows().await;
        let key = identity.key().to_string();
        let mut recorded = rows.identities.iter();
        let recorded = recorded.find(|row| row.identity_key == key).unwrap();
        assert_eq!(recorded.subject, identity.subject());
        assert_eq!(recorded.issuer, identity.issuer());
    }
}

pub(crate) async fn a_failed_event_insert_rolls_the_user_back(store: &Store) {
    let hide = "ALTER TABLE user_events RENAME TO hidden_events";
    store.db.execute_unprepared(hide).await.unwrap();
    let identity = person("ana").build();
    let failed = store.provision(&identity).await;
    assert!(matches!(failed, Err(ProvisionError::Unavailable(_))));

    let show = "ALTER TABLE hidden_events RENAME TO user_events";
    store.db.execute_unprepared(show).await.unwrap();
    store.rows().await.assert_created(0);
    let created = store.provision(&identity).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
}

pub(crate) async fn concurrent_first_logins_create_one_user(store: &Store) {
    assert_one_is_created(store, &person("ana").build()).await;
}

pub(crate) async fn concurrent_first_logins_with_a_verified_address_create_one_user(store: &Store) {
    let identity = person("ana").with_vouched_email("ana@example.com");
    assert_one_is_created(store, &identity.build()).await;
}

async fn assert_one_is_created(store: &Store, identity: &Identity) {
    let answers = at_once(&store.provisioner(), vec![identity.clone(); 50]).await;
    let mut outcomes = Vec::new();
    let mut ids = HashSet::new();
    for answer in answers {
        let provisioned = answer.unwrap();
        outcomes.push(provisioned.outcome());
        ids.insert(provisioned.user().id);
    }
    assert_eq!(ids.len(), 1);
    let created = outcomes.iter().filter(|it| **it == Outcome::Created);
    assert_eq!(created.count(), 1, "{outcomes:?}");
    assert!(outcomes.iter().all(|it| *it != Outcome::Linked));
    store.rows().await.assert_created(1);
}

pub(crate) async fn cancelled_calls_leave_no_partial_user_and_cause_no_error(store: &Store) {
    let identities: Vec<Identity> = (0..5)
        .map(|number| {
            let address = format!("user{number}@example.com");
            let identity = person(&format!("user{number}"));
            match number % 2 {
                0 => identity.with_vouched_email(&address).build(),
                _ => identity.with_email(&address).build(),
            }
        })
        .collect();
    let provisioner = store.provisioner();
    let calls: Vec<_> = (0..100)
        .map(|number: u64| {
            let provisioner = provisioner.clone();
            let identity = identities[number as usize % identities.len()].clone();
            tokio::spawn(async move {
                let call = provisioner.provision(&identity);
                if number.is_multiple_of(2) {
                    return Some(call.await);
                }
                // The cancellations are spread over the whole duration of the calls.
                timeout(Duration::from_micros(number * 300), call)
                    .await
                    .ok()
            })
        })
        .collect();
    let mut created = 0;
    for call in calls {
        if let Some(answer) = call.await.unwrap() {
            created += usize::from(answer.unwrap().outcome() == Outcome::Created);
        }
    }
    assert!(created <= identities.len());
    for identity in &identities {
        let found = store.provision(identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
    }
    store.rows().await.assert_created(identities.len());
}

pub(crate) async fn a_started_write_completes_although_its_call_is_dropped(store: &Store) {
    let provisioner = store.provisioner();
    let blocker = store.block_writes().await;
    let call = tokio::spawn(async move {
        let identity = person("ana").with_vouched_email("ana@example.com").build();
        provisioner.provision(&identity).await
    });
    // The reads of the identity and of the address's holder; the transaction is next.
    store.statements_answered(2).await;
    call.abort();
    assert!(call.await.unwrap_err().is_cancelled());
    blocker.close().await.unwrap();
    let committed = async { while store.rows().await.users.is_empty() {} };
    let in_time = timeout(Duration::from_secs(30), committed).await;
    assert!(in_time.is_ok(), "the write was cancelled");
    store.rows().await.assert_created(1);
}

pub(crate) async fn an_unverified_address_neither_links_nor_blocks(store: &Store) {
    let owner = store.insert(password_user("ana@example.com")).await;
    for subject in ["eve", "mallory"] {
        let identity = person(subject).with_email("ana@example.com").build();
        let created = store.provision(&identity).await.unwrap();
        assert_eq!(created.outcome(), Outcome::Created);
        assert_ne!(created.user().id, owner.id);
        assert!(!created.user().email_is_verified);
        let row = store.user(created.user().id).await;
        assert_eq!(row.email.as_deref(), Some("ana@example.com"));
        assert_eq!(row.email_key, None);
        assert_eq!(row.email_verified_by, None);
    }
    assert_eq!(store.user(owner.id).await, owner);
    assert_eq!(store.rows().await.users.len(), 3);
}

pub(crate) async fn an_unverified_holder_keeps_its_user_and_the_verified_one_gets_the_address(
    store: &Store,
) {
    let mut squatter = password_user("ana@example.com");
    squatter.email_key = None;
    squatter.email_verified_by = None;
    let squatter = store.insert(squatter).await;

    let identity = person("ana").with_vouched_email("ana@example.com").build();
    let created = store.provision(&identity).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert_ne!(created.user().id, squatter.id);
    assert!(created.user().email_is_verified);
    assert_eq!(store.user(squatter.id).await, squatter);
}

pub(crate) async fn two_concurrent_issuers_with_one_verified_address_create_one_user(
    store: &Store,
) {
    let provisioner = store.provisioner();
    for round in 0..10 {
        let address = format!("ana{round}@example.com");
        let subject = format!("ana{round}");
        let identities = [ISSUER, "https://other.example"].map(|issuer| {
            TestIdentity::new(issuer, &subject)
                .with_vouched_email(&address)
                .build()
        });
        let answers = at_once(&provisioner, identities).await;
        let mut verdicts = answers.into_iter().map(|answer| match answer {
            Ok(provisioned) => provisioned.outcome().as_str(),
            Err(error) => error.reason(),
        });
        let verdicts: HashSet<&str> = verdicts.by_ref().collect();
        assert_eq!(verdicts, HashSet::from(["created", "conflict"]));
        store.rows().await.assert_created(round + 1);
    }
}
