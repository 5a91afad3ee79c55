//! Deactivation of idle users.

use std::collections::HashSet;

use sea_orm::{ActiveModelTrait, IntoActiveModel, TransactionTrait};
use time::Duration;
use tokio::time::timeout;
use tower_jit_provisioning::{
    UserStatus,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect, IdleUsers, Refusal},
        entity::{now, users},
    },
};
use uuid::Uuid;

use super::{directory, effects, grant, identify, status};
use crate::fixture::{ISSUER, Store};

async fn seen(store: &Store, days: Option<i64>) -> users::Model {
    let user = users::Model {
        created_at: now() - Duration::days(400),
        last_seen_at: days.map(|days| now() - Duration::days(days)),
        ..users::Model::new("")
    };
    store.insert(user).await
}

pub(crate) async fn only_idle_people_are_deactivated(store: &Store) {
    let fresh = seen(store, Some(1)).await.id;
    let edge = seen(store, Some(89)).await.id;
    let never = seen(store, None).await.id;
    let mut idle = Vec::new();
    for days in [91, 200, 300] {
        idle.push(seen(store, Some(days)).await);
    }
    identify(store, &idle[0], ISSUER, "ana", "human").await;
    for (subject, kind) in [("robot", "service"), ("odd", "workload")] {
        let service = seen(store, Some(300)).await;
        identify(store, &service, ISSUER, subject, kind).await;
    }
    let pending = seen(store, Some(300)).await;
    store
        .update(users::Model {
            status: "pending".to_owned(),
            ..pending
        })
        .await;
    let elsewhere = users::Model {
        tenant: "acme".to_owned(),
        last_seen_at: Some(now() - Duration::days(300)),
        ..users::Model::new("acme")
    };
    store.insert(elsewhere).await;

    let expected: HashSet<Uuid> = idle.iter().map(|user| user.id).collect();
    let before = store.rows().await;
    let dry = directory(store).dry_run();
    let would = dry.deactivate_idle(&IdleUsers::for_days(90)).await.unwrap();
    assert_eq!(store.rows().await, before);
    let report = directory(store)
        .deactivate_idle(&IdleUsers::for_days(90))
        .await
        .unwrap();
    assert_eq!(report, would);
    let named: HashSet<Uuid> = report
        .entries()
        .iter()
        .filter_map(|entry| entry.user)
        .collect();
    assert_eq!(named, expected);
    assert_eq!(report.changed(), 3);
    for id in [fresh, edge, never] {
        assert_eq!(status(store, id).await, Some(UserStatus::Active));
    }
    let row = store.user(idle[0].id).await;
    assert_eq!(row.status_reason.as_deref(), Some("idle for 90 days"));
    assert!(row.tokens_valid_after.is_some());
    let again = directory(store)
        .deactivate_idle(&IdleUsers::for_days(90))
        .await
        .unwrap();
    assert!(again.entries().is_empty());

    let with_never = IdleUsers::for_days(90).or_never_seen();
    let report = directory(store).deactivate_idle(&with_never).await.unwrap();
    let named: Vec<_> = report.entries().iter().map(|entry| entry.user).collect();
    assert_eq!(named, [Some(never)]);
}

pub(crate) async fn a_user_seen_after_the_listing_stays_active(store: &Store) {
    seen(store, Some(0)).await;
    let [returning, absent] = [seen(store, Some(200)).await, seen(store, Some(200)).await];
    let elsewhere = store.connect(1).await.unwrap();
    let visit = elsewhere.begin().await.unwrap();
    let mut row = returning.clone().into_active_model();
    row.last_seen_at = sea_orm::Set(Some(now()));
    row.update(&visit).await.unwrap();

    let _ = store.statements();
    let directory = directory(store);
    let mut call =
        tokio::spawn(async move { directory.deactivate_idle(&IdleUsers::for_days(90)).await });
    // Two reads: whether any user was seen, and the listing.
    store.statements_answered(2).await;
    let early = timeout(std::time::Duration::from_millis(100), &mut call).await;
    assert!(early.is_err(), "decided without waiting for the row's lock");
    visit.commit().await.unwrap();

    let report = call.await.unwrap().unwrap();
    let not_idle = Effect::Refused(Refusal::NotIdle);
    assert_eq!(effects(&report), [not_idle, Effect::Changed]);
    assert_eq!(status(store, returning.id).await, Some(UserStatus::Active));
    assert!(store.user(returning.id).await.tokens_valid_after.is_none());
    assert_eq!(
        status(store, absent.id).await,
        Some(UserStatus::Deactivated)
    );
    assert_eq!(store.rows().await.events.len(), 1);
}

pub(crate) async fn idle_users_are_not_deactivated_if_last_seen_is_not_recorded(store: &Store) {
    for _ in 0..3 {
        seen(store, None).await;
    }
    let kind = async |idle: IdleUsers| {
        let refused = directory(store).deactivate_idle(&idle).await;
        refused.unwrap_err().kind()
    };
    let before = store.rows().await;
    let never = IdleUsers::for_days(90).or_never_seen();
    assert_eq!(kind(never.clone()).await, DirectoryErrorKind::Invalid);
    // One user has an old last-seen time, but the column is not maintained any more.
    let stale = seen(store, Some(200)).await;
    assert_eq!(kind(never).await, DirectoryErrorKind::Invalid);
    assert_eq!(
        kind(IdleUsers::for_days(0)).await,
        DirectoryErrorKind::Invalid
    );
    assert_eq!(store.user(stale.id).await, stale);
    assert_eq!(store.rows().await.events, before.events);
}

pub(crate) async fn the_last_administrator_stays_although_idle(store: &Store) {
    seen(store, Some(0)).await;
    let [first, second] = [
        seen(store, Some(200)).await.id,
        seen(store, Some(200)).await.id,
    ];
    for admin in [first, second] {
        grant(store, admin, "admin", "manual").await;
    }
    let guarded = directory(store).with_admin_role("admin");
    let report = guarded
        .deactivate_idle(&IdleUsers::for_days(90))
        .await
        .unwrap();
    let reported: Vec<_> = report
        .entries()
        .iter()
        .map(|entry| (entry.user, entry.effect))
        .collect();
    let last = Effect::Refused(Refusal::LastAdministrator);
    assert_eq!(
        reported,
        [(Some(first), Effect::Changed), (Some(second), last)]
    );
}

pub(crate) async fn hundreds_of_idle_users_are_deactivated_in_batches(store: &Store) {
    seen(store, Some(0)).await;
    for _ in 0..230 {
        seen(store, Some(200)).await;
    }
    let dry = directory(store).dry_run();
    let would = dry.deactivate_idle(&IdleUsers::for_days(90)).await.unwrap();
    assert_eq!(would.changed(), 230);
    let report = directory(store)
        .deactivate_idle(&IdleUsers::for_days(90))
        .await
        .unwrap();
    assert_eq!(report, would);
    assert_eq!(store.rows().await.events.len(), 230);
}
