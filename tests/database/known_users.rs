//! Requests of known users: one read, and rarely a write.

use std::{sync::Arc, time::Duration};

use time::PrimitiveDateTime;
use tokio::time::timeout;
use tower_jit_provisioning::{
    IssuerPolicy, Outcome, Provisioner, SignUp,
    sea_orm::{SeaOrmProvisioner, User, entity::now},
};

use crate::fixture::{Store, at_once, person};

async fn known(store: &Store, subject: &str) -> (SeaOrmProvisioner, Arc<User>) {
    let provisioner = store.provisioner();
    let created = provisioner
        .provision(&person(subject).build())
        .await
        .unwrap();
    let _ = store.statements();
    (provisioner, Arc::clone(created.user()))
}

pub(crate) async fn known_user_costs_one_statement(store: &Store) {
    let (provisioner, _) = known(store, "ana").await;
    let before = store.rows().await;
    for _ in 0..3 {
        let identity = person("ana").with_vouched_email("ana@example.com").build();
        let found = provisioner.provision(&identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(store.statements().verbs(), ["SELECT users"]);
    }
    assert_eq!(store.rows().await, before);
}

pub(crate) async fn known_user_with_grants_costs_one_statement(store: &Store) {
    let (provisioner, user) = known(store, "ana").await;
    for role in ["admin", "billing", "editor"] {
        store.grant(&user, role, "manual").await;
    }
    let found = provisioner.provision(&person("ana").build()).await.unwrap();
    assert_eq!(found.user().roles, ["admin", "billing", "editor"]);
    assert_eq!(store.statements().verbs(), ["SELECT users"]);
}

pub(crate) async fn only_manual_grants_and_roles_of_the_token_apply(store: &Store) {
    let (provisioner, user) = known(store, "ana").await;
    let other = store.provision(&person("bo").build()).await.unwrap();
    store.grant(&user, "owner", "https://id.example.com").await;
    store.grant(&user, "root", "Manual").await;
    store.grant(other.user(), "billing", "manual").await;
    let found = provisioner.provision(&person("ana").build()).await.unwrap();
    assert!(found.user().roles.is_empty(), "{:?}", found.user().roles);

    store.grant(&user, "owner", "manual").await;
    store.grant(&user, "admin", "manual").await;
    let identity = person("ana").with_roles(["editor", "admin"]).build();
    let found = provisioner.provision(&identity).await.unwrap();
    assert_eq!(found.user().roles, ["admin", "editor", "owner"]);
    assert!(found.user().has_role("owner"));
    assert!(!found.user().has_role("root"));
}

pub(crate) async fn a_user_not_seen_for_an_hour_is_recorded_once(store: &Store) {
    let an_hour_ago = now() - time::Duration::minutes(61);
    for (subject, long_ago) in [("ana", Some(an_hour_ago)), ("bo", None)] {
        let (provisioner, user) = known(store, subject).await;
        let mut row = store.user(user.id).await;
        row.last_seen_at = long_ago;
        store.update(row.clone()).await;

        let before = now();
        let identity = person(subject).build();
        for answer in at_once(&provisioner, vec![identity.clone(); 20]).await {
            assert_eq!(answer.unwrap().outcome(), Outcome::Found);
        }
        let seen = last_seen_since(store, &user, before).await;
        assert!(seen <= now());
        // Several requests may have read the old time; the update is a compare-and-set, so exactly
        // one wrote it.
        provisioner.provision(&identity).await.unwrap();
        row.last_seen_at = Some(seen);
        assert_eq!(store.user(user.id).await, row, "only last_seen_at changes");
        let verbs = store.statements().verbs();
        assert!(
            verbs
                .iter()
                .all(|it| it == "SELECT users" || it == "UPDATE users")
        );
    }
}

pub(crate) async fn last_seen_updates_are_coalesced(store: &Store) {
    let (provisioner, user) = known(store, "ana").await;
    let mut row = store.user(user.id).await;
    row.last_seen_at = None;
    store.update(row).await;

    let before = now();
    let blocker = store.block_writes().await;
    for _ in 0..10 {
        provisioner.provision(&person("ana").build()).await.unwrap();
    }
    blocker.close().await.unwrap();
    last_seen_since(store, &user, before).await;
    // Waits for every connection, and so for every write in progress.
    store.db.close_by_ref().await.unwrap();
    let mut verbs = store.statements().verbs();
    verbs.retain(|verb| verb != "SELECT users");
    assert_eq!(verbs, ["UPDATE users"]);
}

/// Waits for the detached write of the last-seen time.
async fn last_seen_since(
    store: &Store,
    user: &User,
    before: PrimitiveDateTime,
) -> PrimitiveDateTime {
    let polling = async {
        loop {
            let seen = store.user(user.id).await.last_seen_at;
            if let Some(seen) = seen.filter(|seen| *seen >= before) {
                return seen;
            }
        }
    };
    let seen = timeout(Duration::from_secs(30), polling).await;
    seen.expect("last_seen_at is updated")
}

pub(crate) async fn a_user_seen_recently_is_not_written(store: &Store) {
    let (provisioner, user) = known(store, "ana").await;
    let mut row = store.user(user.id).await;
    row.last_seen_at = Some(now() - time::Duration::minutes(59));
    store.update(row.clone()).await;
    for answer in at_once(&provisioner, vec![person("ana").build(); 20]).await {
        let seen = row.last_seen_at.map(PrimitiveDateTime::assume_utc);
        assert_eq!(answer.unwrap().user().last_seen_at, seen);
    }
    assert_eq!(store.statements().verbs(), ["SELECT users"; 20]);
    assert_eq!(store.user(user.id).await, row);
}

pub(crate) async fn a_known_user_is_found_with_any_sign_up_policy(store: &Store) {
    let (provisioner, user) = known(store, "ana").await;
    let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let identity = person("ana").with_policy(closed).build();
    let found = provisioner.provision(&identity).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().id, user.id);
}
