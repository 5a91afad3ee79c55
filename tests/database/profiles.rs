//! Profile changes by newer tokens.

use std::time::Duration;

use tower_jit_provisioning::{
    IssuerPolicy, Linking, Outcome, Provisioner,
    explain::Explain,
    policy::{Attribute, ProfileSync},
    sea_orm::entity::users,
    testing::TestIdentity,
};

use crate::{
    common::setup::password_user,
    fixture::{Store, at_once, person},
};

const ADDRESS: &str = "ana@example.com";

fn ana(issued_at: i64) -> TestIdentity {
    person("ana").with_issued_at(issued_at)
}

/// Returns the only user that a token created.
async fn profile(store: &Store) -> users::Model {
    let users = store.rows().await.users;
    let mut users = users.into_iter().filter(|user| user.profile_key.is_some());
    users.next().expect("a user")
}

async fn events(store: &Store) -> Vec<String> {
    let events = store.rows().await.events.into_iter();
    events.map(|event| event.event).collect()
}

pub(crate) async fn claims_of_a_newer_token_are_stored(store: &Store) {
    let first = ana(1_000)
        .with_vouched_email(ADDRESS)
        .with_full_name("Ana")
        .with_username("ana");
    store.provision(&first.build()).await.unwrap();
    let before = profile(store).await;

    let second = ana(2_000)
        .with_vouched_email("ana.lind@example.com")
        .with_full_name("Ana Lind")
        .build();
    let updated = store.provision(&second).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    let after = profile(store).await;
    assert_eq!(after.email.as_deref(), Some("ana.lind@example.com"));
    assert_ne!(after.email_key, before.email_key);
    assert!(after.email_key.is_some());
    assert_eq!(after.full_name.as_deref(), Some("Ana Lind"));
    assert_eq!(after.username.as_deref(), Some("ana"), "not mentioned");
    assert!(after.updated_at >= before.updated_at);
    assert_eq!(after.created_at, before.created_at);
    assert_eq!(events(store).await, ["created", "profile_synchronised"]);
    assert_eq!(
        updated.user().full_name,
        after.full_name,
        "already returned"
    );

    let rows = store.rows().await;
    let found = store.provision(&second).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn every_attribute_follows_its_own_rule(store: &Store) {
    for (sync, expected) in [
        (ProfileSync::Always, [Some("Ana"), Some("Ana Lind"), None]),
        (ProfileSync::CreateOnly, [Some("Ana"); 3]),
        (ProfileSync::Never, [None; 3]),
        (
            ProfileSync::WhenPresent,
            [Some("Ana"), Some("Ana Lind"), Some("Ana Lind")],
        ),
    ] {
        for attribute in [Attribute::FullName, Attribute::Username] {
            let policy = IssuerPolicy::new().with_profile_sync(attribute, sync);
            let subject = format!("{} {}", attribute.as_str(), sync.as_str());
            for ((issued_at, stated), expected) in
                [(1, Some("Ana")), (2, Some("Ana Lind")), (3, None)]
                    .into_iter()
                    .zip(expected)
            {
                let token = person(&subject)
                    .with_issued_at(issued_at)
                    .with_policy(policy.clone());
                let token = match (stated, attribute) {
                    (None, _) => token,
                    (Some(name), Attribute::Username) => token.with_username(name),
                    (Some(name), _) => token.with_full_name(name),
                };
                let user = store.provision(&token.build()).await.unwrap();
                let user = store.user(user.user().id).await;
                let stored = match attribute {
                    Attribute::Username => user.username,
                    _ => user.full_name,
                };
                assert_eq!(stored.as_deref(), expected, "{subject} {issued_at}");
            }
        }
    }
}

pub(crate) async fn attributes_edited_in_the_application_are_kept(store: &Store) {
    let first = ana(1_000).with_vouched_email(ADDRESS).with_full_name("Ana");
    let created = store.provision(&first.build()).await.unwrap();
    let mut row = store.user(created.user().id).await;
    row.full_name = Some("Queen Ana".to_owned());
    row.local_attributes = "email,full_name,of_a_newer_version".to_owned();
    store.update(row.clone()).await;

    let second = ana(2_000)
        .with_vouched_email("ana.lind@example.com")
        .with_full_name("Ana Lind")
        .with_username("ana");
    store.provision(&second.build()).await.unwrap();
    let after = profile(store).await;
    assert_eq!(after.full_name, row.full_name);
    assert_eq!(after.email, row.email);
    assert_eq!(after.email_key, row.email_key);
    assert_eq!(after.username.as_deref(), Some("ana"));
}

pub(crate) async fn an_address_of_another_user_is_not_stored_and_not_retried(store: &Store) {
    let bo = store.insert(password_user("bo@example.com")).await;
    let first = ana(1_000).with_vouched_email(ADDRESS).with_full_name("Ana");
    store.provision(&first.build()).await.unwrap();

    let second = ana(2_000)
        .with_vouched_email("bo@example.com")
        .with_full_name("Ana Lind")
        .build();
    let served = store.provision(&second).await.unwrap();
    assert_eq!(served.outcome(), Outcome::Updated);
    let after = profile(store).await;
    assert_eq!(after.email.as_deref(), Some(ADDRESS));
    assert!(after.email_key.is_some(), "still verified");
    assert_eq!(
        after.full_name.as_deref(),
        Some("Ana Lind"),
        "the rest is taken"
    );
    assert_eq!(store.user(bo.id).await, bo);

    let rows = store.rows().await;
    let grasping = ana(3_000).with_vouched_email("bo@example.com");
    let (steps, explained) = store.provisioner().explain(&grasping.build()).await;
    assert_eq!(explained.unwrap(), Outcome::Found, "{steps:?}");
    let fair = ana(3_000).with_vouched_email("a.lind@example.com");
    let (_, explained) = store.provisioner().explain(&fair.build()).await;
    assert_eq!(explained.unwrap(), Outcome::Updated);
    assert_eq!(store.rows().await, rows, "explaining writes nothing");

    let _ = store.statements();
    let third = ana(3_000)
        .with_vouched_email("bo@example.com")
        .with_full_name("Ana Lind");
    for identity in [second, third.build()] {
        let found = store.provision(&identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(store.statements().verbs(), ["SELECT users"]);
    }
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn older_equal_and_undated_tokens_store_no_profile(store: &Store) {
    for (issued_at, name) in [(1_000, "Ana"), (2_000, "Ana Lind")] {
        let token = ana(issued_at).with_full_name(name).build();
        store.provision(&token).await.unwrap();
    }
    let rows = store.rows().await;
    for token in [
        ana(1_000).with_full_name("Ana"),
        ana(1_999).with_full_name("Eve"),
        ana(2_000).with_full_name("Eve"),
        ana(2_000).with_vouched_email(ADDRESS),
        person("ana").with_full_name("Eve"),
    ] {
        let found = store.provision(&token.build()).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(found.user().full_name.as_deref(), Some("Ana Lind"));
        assert_eq!(store.rows().await, rows);
    }
}

pub(crate) async fn concurrent_tokens_leave_the_profile_of_the_newest(store: &Store) {
    store.provision(&ana(1_000).build()).await.unwrap();
    let tokens = (1..=20).map(|age| {
        let address = format!("ana{age}@example.com");
        ana(1_000 + age).with_vouched_email(&address).build()
    });
    for answer in at_once(&store.provisioner(), tokens).await {
        answer.unwrap();
    }
    let after = profile(store).await;
    assert_eq!(after.email.as_deref(), Some("ana20@example.com"));
    let rows = store.rows().await;
    assert_eq!(rows.identities[0].profile_issued_at, Some(1_020));
}

pub(crate) async fn an_unverified_address_never_replaces_a_verified_one(store: &Store) {
    let always = IssuerPolicy::new().with_profile_sync(Attribute::Email, ProfileSync::Always);
    for policy in [IssuerPolicy::new(), always] {
        let subject = format!("{policy:?}").len().to_string();
        let ana = |issued_at| {
            let token = person(&subject).with_issued_at(issued_at);
            token.with_policy(policy.clone())
        };
        let address = format!("ana{subject}@example.com");
        let first = ana(1_000).with_vouched_email(&address).build();
        let created = store.provision(&first).await.unwrap();
        let before = store.user(created.user().id).await;
        let unvouched = ana(2_000).with_email("bo@example.com").build();
        store.provision(&unvouched).await.unwrap();
        assert_eq!(store.user(before.id).await, before);
    }
}

pub(crate) async fn a_proved_mailbox_is_never_replaced_by_a_token(store: &Store) {
    let created = store.provision(&ana(1_000).build()).await.unwrap();
    let mut row = store.user(created.user().id).await;
    let proved = password_user(ADDRESS);
    row.email = proved.email;
    row.email_key = proved.email_key;
    row.email_verified_by = proved.email_verified_by;
    store.update(row.clone()).await;
    let token = ana(2_000).with_vouched_email("ana.lind@example.com");
    store.provision(&token.build()).await.unwrap();
    assert_eq!(store.user(row.id).await, row);
}

pub(crate) async fn no_issuer_updates_the_profile_of_a_password_user(store: &Store) {
    let owner = store.insert(password_user(ADDRESS)).await;
    let linking = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    for issued_at in [1_000, 2_000] {
        let token = ana(issued_at)
            .with_vouched_email(ADDRESS)
            .with_full_name(format!("Somebody {issued_at}"))
            .with_policy(linking.clone());
        store.provision(&token.build()).await.unwrap();
    }
    assert_eq!(store.user(owner.id).await, owner);
    assert_eq!(events(store).await, ["linked"]);
}

pub(crate) async fn a_profile_that_cannot_be_stored_fails_no_request(store: &Store) {
    let provisioner = store.provisioner();
    let first = ana(1_000).with_full_name("Ana").build();
    provisioner.provision(&first).await.unwrap();
    let second = ana(2_000).with_full_name("Ana Lind").build();

    let blocker = store.block_writes().await;
    let hasty = provisioner
        .clone()
        .with_deadline(Duration::from_millis(300));
    let found = hasty.provision(&second).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().full_name.as_deref(), Some("Ana"));
    blocker.close().await.unwrap();

    store.refuse_updates_of_users().await;
    let found = provisioner.provision(&second).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(profile(store).await.full_name.as_deref(), Some("Ana"));
    assert_eq!(events(store).await, ["created"]);

    // The failed change is not recorded as applied, so it is retried and succeeds.
    store.allow_updates_of_users().await;
    let updated = provisioner.provision(&second).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert_eq!(profile(store).await.full_name.as_deref(), Some("Ana Lind"));
}
