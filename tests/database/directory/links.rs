//! Identities that operators link to users before the first login.

use std::time::Duration;

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use tower_jit_provisioning::{
    Email, IssuerPolicy, Outcome, PrincipalKind, SignUp,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect, NewIdentity, Refusal},
        entity::{link_tickets, now, users},
        issuer_key,
    },
};

use super::{directory, effects, many, with_status};
use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, person},
};

const TAKEN: Effect = Effect::Refused(Refusal::Taken);
const DAY: Duration = Duration::from_secs(24 * 60 * 60);

pub(crate) async fn a_linked_user_is_found_by_its_first_token(store: &Store) {
    let [plain, password] = [
        store.insert(users::Model::new("")).await,
        store.insert(password_user("bo@example.com")).await,
    ];
    let directory = directory(store);
    for (user, subject) in [(&plain, "ana"), (&password, "bo")] {
        for expected in [Effect::Changed, Effect::Unchanged] {
            let identity = NewIdentity::new(ISSUER, subject);
            let report = directory.link(user.id, identity).await.unwrap();
            assert_eq!(effects(&report), [expected]);
        }
        let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
        let identity = person(subject).with_policy(closed).build();
        let found = store.provision(&identity).await.unwrap();
        assert_eq!(
            (found.outcome(), found.user().id),
            (Outcome::Found, user.id)
        );
    }
    // A user with a password has their own profile.
    let key = person("ana").build().key().to_string();
    assert_eq!(store.user(plain.id).await.profile_key.as_ref(), Some(&key));
    assert_eq!(store.user(password.id).await.profile_key, None);
    let event = &store.rows().await.events[0];
    assert_eq!(
        (event.event.as_str(), event.identity_key.as_ref()),
        ("pre_linked", Some(&key))
    );
}

pub(crate) async fn a_service_is_registered_by_a_link(store: &Store) {
    let user = store.insert(users::Model::new("")).await;
    let robot = NewIdentity::new(ISSUER, "robot").with_kind(PrincipalKind::Service);
    directory(store).link(user.id, robot).await.unwrap();
    store
        .assert_refused(&person("robot").build(), "kind_mismatch")
        .await;
    let service = person("robot").with_kind(PrincipalKind::Service).build();
    assert_eq!(store.provision(&service).await.unwrap().user().id, user.id);
}

pub(crate) async fn a_link_never_takes_over_an_existing_identity(store: &Store) {
    let owner = store
        .provision(&person("ana").build())
        .await
        .unwrap()
        .user()
        .id;
    let other = with_status(store, "active").await;
    let deleted = with_status(store, "deleted").await;
    let before = store.rows().await;
    let directory = directory(store);
    let link = async |user, subject: &str| {
        effects(
            &directory
                .link(user, NewIdentity::new(ISSUER, subject))
                .await
                .unwrap(),
        )
    };
    assert_eq!(link(other, "ana").await, [TAKEN]);
    assert_eq!(link(owner, "another of this issuer").await, [TAKEN]);
    assert_eq!(
        link(deleted, "bo").await,
        [Effect::Refused(Refusal::Deleted)]
    );
    assert_eq!(link(uuid::Uuid::now_v7(), "bo").await, [Effect::NotFound]);
    assert_eq!(store.rows().await, before);
    for (issuer, subject) in [
        ("", "ana"),
        (ISSUER, ""),
        (ISSUER, "a\0b"),
        (&*"i".repeat(513), "x"),
    ] {
        let refused = directory
            .link(other, NewIdentity::new(issuer, subject))
            .await;
        assert_eq!(refused.unwrap_err().kind(), DirectoryErrorKind::Invalid);
    }
}

pub(crate) async fn concurrent_operators_link_an_identity_to_one_user(store: &Store) {
    let users = many(store, 6).await;
    let tasks: Vec<_> = users
        .into_iter()
        .map(|user| {
            let directory = directory(store);
            let ana = NewIdentity::new(ISSUER, "ana");
            tokio::spawn(async move { directory.link(user, ana).await })
        })
        .collect();
    let mut outcomes = Vec::new();
    for task in tasks {
        outcomes.extend(effects(&task.await.unwrap().unwrap()));
    }
    let changed = outcomes.iter().filter(|effect| **effect == Effect::Changed);
    assert_eq!(changed.count(), 1, "{outcomes:?}");
    assert_eq!(
        outcomes.iter().filter(|effect| **effect == TAKEN).count(),
        5
    );
    assert_eq!(store.rows().await.events.len(), 1);
}

async fn tickets(store: &Store) -> Vec<link_tickets::Model> {
    link_tickets::Entity::find().all(&store.db).await.unwrap()
}

pub(crate) async fn an_address_has_a_ticket_for_one_user_at_a_time(store: &Store) {
    let users = many(store, 2).await;
    let ana = Email::parse("Ana@example.com").unwrap();
    let directory = directory(store);
    let promise = async |user, issuer: &str| {
        effects(
            &directory
                .link_by_email(user, issuer, &ana, DAY)
                .await
                .unwrap(),
        )
    };
    assert_eq!(promise(users[0], ISSUER).await, [Effect::Changed]);
    let ticket = tickets(store).await.remove(0);
    assert_eq!((ticket.user_id, ticket.tenant.as_str()), (users[0], ""));
    assert_eq!(ticket.issuer_key, issuer_key(ISSUER));
    assert_eq!(ticket.email_key, ana.key(""));
    assert_eq!(ticket.consumed_at, None);
    assert!(ticket.expires_at > now() + DAY - Duration::from_secs(60));
    assert_eq!(promise(users[1], ISSUER).await, [TAKEN]);
    assert_eq!(
        promise(users[1], "https://other.example").await,
        [Effect::Changed]
    );
    // Renewed by the user who holds the ticket.
    assert_eq!(promise(users[0], ISSUER).await, [Effect::Changed]);
    assert_eq!(tickets(store).await.len(), 2);

    // Expired or used, and therefore available again.
    for used in [false, true] {
        let mut ticket = tickets(store)
            .await
            .into_iter()
            .find(|it| it.issuer_key == issuer_key(ISSUER))
            .unwrap();
        match used {
            false => ticket.expires_at = now(),
            true => ticket.consumed_at = Some(now()),
        }
        let [taker, former] = match used {
            false => [users[1], users[0]],
            true => [users[0], users[1]],
        };
        ticket
            .into_active_model()
            .reset_all()
            .update(&store.db)
            .await
            .unwrap();
        assert_eq!(promise(taker, ISSUER).await, [Effect::Changed]);
        assert_eq!(promise(former, ISSUER).await, [TAKEN]);
    }
    assert_eq!(tickets(store).await.len(), 2);
    // A user's tickets are deleted with the user.
    directory.delete(&users, "").await.unwrap();
    assert!(tickets(store).await.is_empty());
}

pub(crate) async fn concurrent_operators_create_one_ticket_for_an_address(store: &Store) {
    let users = many(store, 6).await;
    let tasks: Vec<_> = users
        .into_iter()
        .map(|user| {
            let directory = directory(store);
            let ana = Email::parse("ana@example.com").unwrap();
            tokio::spawn(async move { directory.link_by_email(user, ISSUER, &ana, DAY).await })
        })
        .collect();
    let mut changed = 0;
    for task in tasks {
        changed += task.await.unwrap().unwrap().changed();
    }
    assert_eq!(changed, 1);
    assert_eq!(tickets(store).await.len(), 1);
}

pub(crate) async fn a_ticket_is_for_active_users_without_that_issuer(store: &Store) {
    let email = Email::parse("ana@example.com").unwrap();
    let directory = directory(store);
    let known = store
        .provision(&person("ana").build())
        .await
        .unwrap()
        .user()
        .id;
    let promise = async |user, issuer: &str, valid_for| {
        let report = directory
            .link_by_email(user, issuer, &email, valid_for)
            .await;
        report
            .map(|report| effects(&report))
            .map_err(|error| error.kind())
    };
    let wrong = Effect::Refused(Refusal::WrongStatus);
    let deleted = Effect::Refused(Refusal::Deleted);
    assert_eq!(promise(known, ISSUER, DAY).await, Ok(vec![TAKEN]));
    for (status, expected) in [
        ("pending", wrong),
        ("deactivated", wrong),
        ("deleted", deleted),
    ] {
        let user = with_status(store, status).await;
        assert_eq!(promise(user, ISSUER, DAY).await, Ok(vec![expected]));
    }
    let active = with_status(store, "active").await;
    for (issuer, valid_for) in [("", DAY), (ISSUER, Duration::ZERO), (ISSUER, 91 * DAY)] {
        let refused = promise(active, issuer, valid_for).await;
        assert_eq!(refused, Err(DirectoryErrorKind::Invalid));
    }
    assert!(tickets(store).await.is_empty());
}
