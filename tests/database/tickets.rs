//! Link tickets: an operator's permission, for one use, to link an address to a user.

use sea_orm::{ActiveModelTrait, Database, EntityTrait, IntoActiveModel, sqlx::Executor};
use time::Duration;
use tower_jit_provisioning::{
    Email, IssuerPolicy, Outcome, PrincipalKind, SignUp,
    sea_orm::{
        SeaOrmProvisioner,
        entity::{link_tickets, now, users},
        issuer_key,
    },
    testing::TestIdentity,
};
use uuid::Uuid;

use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, at_once, person},
};

const ADDRESS: &str = "ana@example.com";

/// Returns a person with a verified address, at an issuer without linking and with closed sign-up.
fn ana(subject: &str) -> TestIdentity {
    let policy = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    person(subject)
        .with_vouched_email("Ana@Example.com")
        .with_policy(policy)
}

/// Returns a user imported without a verified address.
fn imported() -> users::Model {
    users::Model {
        email: Some("ana@old.example".to_owned()),
        last_seen_at: Some(now()),
        ..users::Model::new("")
    }
}

fn ticket(user: &users::Model) -> link_tickets::Model {
    link_tickets::Model {
        id: Uuid::now_v7(),
        tenant: user.tenant.clone(),
        user_id: user.id,
        issuer_key: issuer_key(ISSUER),
        email_key: Email::parse(ADDRESS).expect("an address").key(&user.tenant),
        expires_at: now() + Duration::HOUR,
        consumed_at: None,
        created_at: now(),
    }
}

async fn issue(store: &Store, ticket: link_tickets::Model) {
    let row = ticket.into_active_model().reset_all();
    row.insert(&store.db).await.unwrap();
}

async fn tickets(store: &Store) -> Vec<link_tickets::Model> {
    link_tickets::Entity::find().all(&store.db).await.unwrap()
}

async fn assert_unused(store: &Store, identity: TestIdentity, reason: &str) {
    let before = tickets(store).await;
    store.assert_refused(&identity.build(), reason).await;
    assert_eq!(tickets(store).await, before);
}

pub(crate) async fn a_ticket_links_once_under_any_policy(store: &Store) {
    let user = store.insert(imported()).await;
    issue(store, ticket(&user)).await;
    let before = now();
    let linked = store.provision(&ana("ana").build()).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().id, user.id);
    let used = tickets(store).await;
    assert!(used[0].consumed_at.is_some_and(|at| at >= before));
    let rows = store.rows().await;
    assert_eq!(rows.events.len(), 1);
    assert_eq!(rows.events[0].event, "linked");
    // A user without a password and without a profile owner: from now on these tokens own the
    // profile.
    let key = Some(ana("ana").build().key().to_string());
    assert_eq!(rows.users[0].profile_key, key);

    let found = store.provision(&ana("ana").build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_unused(store, ana("ana2"), "sign_up_closed").await;
}

pub(crate) async fn an_unused_duplicate_of_a_ticket_is_used_with_it(store: &Store) {
    let user = store.insert(imported()).await;
    issue(store, ticket(&user)).await;
    issue(store, ticket(&user)).await;
    store.provision(&ana("ana").build()).await.unwrap();
    let used = tickets(store).await;
    assert!(used.iter().all(|ticket| ticket.consumed_at.is_some()));
}

pub(crate) async fn two_concurrent_subjects_use_a_ticket_once(store: &Store) {
    let provisioner = store.provisioner();
    for round in 0..10 {
        let address = format!("ana{round}@example.com");
        let owner = match round % 2 {
            0 => store.insert(password_user(&address)).await,
            _ => store.insert(imported()).await,
        };
        let email_key = Email::parse(&address).expect("an address").key("");
        issue(
            store,
            link_tickets::Model {
                email_key,
                ..ticket(&owner)
            },
        )
        .await;
        let subjects = (0..8).map(|number| {
            let subject = format!("{round}-{number}");
            ana(&subject).with_vouched_email(&address).build()
        });
        let mut linked = 0;
        for answer in at_once(&provisioner, subjects).await {
            match answer {
                Ok(provisioned) => {
                    assert_eq!(provisioned.outcome(), Outcome::Linked);
                    assert_eq!(provisioned.user().id, owner.id);
                    linked += 1;
                }
                Err(error) => {
                    // The two rounds differ in whether the user has proved the address.
                    let reason = ["conflict", "sign_up_closed"][round % 2];
                    let early = "conflict";
                    assert!([reason, early].contains(&error.reason()), "{error:?}");
                }
            }
        }
        assert_eq!(linked, 1);
    }
    let rows = store.rows().await;
    assert_eq!((rows.users.len(), rows.identities.len()), (10, 10));
}

pub(crate) async fn concurrent_requests_of_one_subject_are_linked_once_and_never_refused(
    store: &Store,
) {
    assert_linked_once(store, &store.provisioner()).await;
}

/// MariaDB's default since 11.6.2: a locking read of a row that changed since the snapshot fails.
pub(crate) async fn concurrent_linking_works_under_snapshot_isolation(store: &Store) {
    let mut options = store.options();
    options.max_connections(8).map_sqlx_mysql_pool_opts(|pool| {
        pool.after_connect(|connection, _| {
            Box::pin(async move {
                // Other databases do not have this variable.
                let set = "SET SESSION innodb_snapshot_isolation = ON";
                let _ = connection.execute(set).await;
                Ok(())
            })
        })
    });
    let db = Database::connect(options).await.unwrap();
    let provisioner = SeaOrmProvisioner::new(db).with_deadline(std::time::Duration::from_secs(30));
    assert_linked_once(store, &provisioner).await;
}

async fn assert_linked_once(store: &Store, provisioner: &SeaOrmProvisioner) {
    for round in 0..10 {
        let address = format!("ana{round}@example.com");
        let owner = store.insert(imported()).await;
        let email_key = Email::parse(&address).expect("an address").key("");
        issue(
            store,
            link_tickets::Model {
                email_key,
                ..ticket(&owner)
            },
        )
        .await;
        let token = ana(&format!("ana{round}"))
            .with_vouched_email(&address)
            .build();
        let mut linked = 0;
        for answer in at_once(provisioner, vec![token; 12]).await {
            let provisioned = answer.unwrap();
            assert_eq!(provisioned.user().id, owner.id);
            linked += usize::from(provisioned.outcome() == Outcome::Linked);
        }
        assert_eq!(linked, 1);
    }
}

pub(crate) async fn a_ticket_is_limited_to_its_issuer_address_tenant_and_validity(store: &Store) {
    let user = store.insert(imported()).await;
    let other_key = Email::parse("bo@example.com").expect("an address").key("");
    for wrong in [
        link_tickets::Model {
            issuer_key: issuer_key("https://other.example"),
            ..ticket(&user)
        },
        link_tickets::Model {
            email_key: other_key,
            ..ticket(&user)
        },
        link_tickets::Model {
            expires_at: now() - Duration::SECOND,
            ..ticket(&user)
        },
        link_tickets::Model {
            consumed_at: Some(now()),
            ..ticket(&user)
        },
    ] {
        issue(store, wrong).await;
    }
    assert_unused(store, ana("ana"), "sign_up_closed").await;
    issue(store, ticket(&user)).await;
    assert_unused(store, ana("ana").with_tenant("acme"), "sign_up_closed").await;
    assert_unused(store, ana("ana").with_email(ADDRESS), "sign_up_closed").await;
    let service = ana("ana").with_kind(PrincipalKind::Service);
    assert_unused(store, service, "sign_up_closed").await;
    let linked = store.provision(&ana("ana").build()).await.unwrap();
    assert_eq!(linked.user().id, user.id);
}

pub(crate) async fn a_ticket_does_not_link_an_inactive_user(store: &Store) {
    for status in ["deactivated", "deleted", "pending"] {
        let closed = users::Model {
            status: status.to_owned(),
            ..imported()
        };
        let user = store.insert(closed).await;
        issue(store, ticket(&user)).await;
        assert_unused(store, ana("ana"), "conflict").await;
    }
}

pub(crate) async fn a_ticket_adds_no_second_subject_of_its_issuer(store: &Store) {
    let user = store.insert(imported()).await;
    issue(store, ticket(&user)).await;
    store.provision(&ana("ana").build()).await.unwrap();
    issue(store, ticket(&user)).await;
    assert_unused(store, ana("ana2"), "conflict").await;
}
