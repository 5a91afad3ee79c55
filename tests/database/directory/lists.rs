//! Lists of users: long, concurrent, cancelled and failing operations.

use std::{collections::HashSet, time::Duration};

use sea_orm::ConnectionTrait;
use tokio::time::timeout;
use tower_jit_provisioning::{
    UserStatus,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect},
        entity::users,
    },
};
use uuid::Uuid;

use super::{PATIENCE, directory, dropped_once_started, effects, many, status};
use crate::fixture::{Store, person};

pub(crate) async fn a_long_list_is_processed_in_batches_and_a_duplicate_once(store: &Store) {
    let ids = many(store, 250).await;
    let elsewhere = store.insert(users::Model::new("acme")).await;
    let unknown = Uuid::now_v7();
    let mut list = ids.clone();
    list.reverse();
    list.extend([ids[0], elsewhere.id, unknown, ids[249], unknown]);
    store.statements();
    let report = directory(store).deactivate(&list, "audit").await.unwrap();
    // Three reads, two updates and the events, for each of three batches.
    assert_eq!(store.statements().verbs().len(), 3 * 6);
    let named: Vec<Uuid> = report
        .entries()
        .iter()
        .filter_map(|entry| entry.user)
        .collect();
    assert_eq!(
        named,
        list[..250]
            .iter()
            .chain(&[elsewhere.id, unknown])
            .copied()
            .collect::<Vec<_>>()
    );
    assert_eq!((report.changed(), report.not_found()), (250, 2));
    assert_eq!((report.unchanged(), report.refused()), (0, 0));
    assert_eq!(store.user(elsewhere.id).await, elsewhere);
    let reported: HashSet<Uuid> = store
        .rows()
        .await
        .events
        .iter()
        .map(|event| event.user_id)
        .collect();
    assert_eq!(reported, ids.iter().copied().collect());

    let again = directory(store).deactivate(&list, "again").await.unwrap();
    assert_eq!((again.changed(), again.unchanged()), (0, 250));
    assert_eq!(store.rows().await.events.len(), 250);
    let in_tenant = directory(store).in_tenant("acme");
    let report = in_tenant
        .deactivate(&[elsewhere.id, ids[0]], "")
        .await
        .unwrap();
    assert_eq!(effects(&report), [Effect::Changed, Effect::NotFound]);
    assert!(
        directory(store)
            .delete(&[], "")
            .await
            .unwrap()
            .entries()
            .is_empty()
    );
}

pub(crate) async fn concurrent_operators_make_one_change_and_one_event(store: &Store) {
    let ids = many(store, 40).await;
    let tasks: Vec<_> = (0..8)
        .map(|number| {
            let directory = directory(store);
            let mut ids = ids.clone();
            ids.rotate_left(number * 5);
            if number % 2 == 0 {
                ids.reverse();
            }
            tokio::spawn(async move { directory.deactivate(&ids, "at once").await })
        })
        .collect();
    let mut changed = 0;
    for task in tasks {
        let report = task.await.unwrap().unwrap();
        assert_eq!(report.changed() + report.unchanged(), 40);
        changed += report.changed();
    }
    assert_eq!(changed, 40);
    assert_eq!(store.rows().await.events.len(), 40);
}

pub(crate) async fn concurrent_opposite_operations_leave_a_consistent_history(store: &Store) {
    let ids = many(store, 20).await;
    let tasks: Vec<_> = (0..6)
        .map(|number| {
            let (directory, ids) = (directory(store), ids.clone());
            tokio::spawn(async move {
                match number % 2 {
                    0 => directory.deactivate(&ids, "off").await,
                    _ => directory.reactivate(&ids, "on").await,
                }
            })
        })
        .collect();
    let mut changed = 0;
    for task in tasks {
        changed += task.await.unwrap().unwrap().changed();
    }
    let rows = store.rows().await;
    assert_eq!(rows.events.len(), changed);
    for id in ids {
        let mut events = rows.events.iter().filter(|event| event.user_id == id);
        let off = events
            .clone()
            .filter(|event| event.event == "deactivated")
            .count();
        let on = events
            .by_ref()
            .filter(|event| event.event == "reactivated")
            .count();
        let expected = match off - on {
            0 => UserStatus::Active,
            _ => UserStatus::Deactivated,
        };
        assert_eq!(status(store, id).await, Some(expected));
    }
}

pub(crate) async fn a_dropped_call_completes_its_batch_and_starts_no_other(store: &Store) {
    let ids = many(store, 250).await;
    let directory = directory(store);
    let blocker = store.block_writes().await;
    dropped_once_started(directory.deactivate(&ids, "dropped")).await;
    blocker.close().await.unwrap();
    let finished = async { while store.rows().await.events.is_empty() {} };
    assert!(timeout(PATIENCE, finished).await.is_ok());
    // Waits for the lock on the rows.
    directory.revoke_tokens(&ids, "").await.unwrap();
    let rows = store.rows().await;
    let off = rows
        .users
        .iter()
        .filter(|user| user.status == "deactivated");
    assert_eq!(off.count(), 100);
    let events = rows
        .events
        .iter()
        .filter(|event| event.event == "deactivated");
    assert_eq!(events.count(), 100);
}

pub(crate) async fn a_locked_store_is_unavailable_within_the_deadline(store: &Store) {
    let ids = many(store, 1).await;
    let blocker = store.block_writes().await;
    let hasty = directory(store).with_deadline(Duration::from_millis(200));
    let failed = hasty.deactivate(&ids, "").await.unwrap_err();
    assert_eq!(failed.kind(), DirectoryErrorKind::Unavailable);
    assert!(failed.report().unwrap().entries().is_empty());
    blocker.close().await.unwrap();
    assert_eq!(status(store, ids[0]).await, Some(UserStatus::Active));
    let report = directory(store).deactivate(&ids, "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
}

pub(crate) async fn a_change_whose_event_cannot_be_written_is_rolled_back(store: &Store) {
    let ids = many(store, 120).await;
    let hide = "ALTER TABLE user_events RENAME TO hidden_events";
    store.db.execute_unprepared(hide).await.unwrap();
    let before = store.user(ids[0]).await;
    let failed = directory(store).delete(&ids, "").await.unwrap_err();
    assert_eq!(failed.kind(), DirectoryErrorKind::Unavailable);
    assert_eq!(store.user(ids[0]).await, before);
}

pub(crate) async fn a_failure_reports_the_changes_made_before_it(store: &Store) {
    let ids = many(store, 150).await;
    // The first batch has nothing left to change; the second one needs to write.
    directory(store).deactivate(&ids[..100], "").await.unwrap();
    let hide = "ALTER TABLE user_events RENAME TO hidden_events";
    store.db.execute_unprepared(hide).await.unwrap();
    let failed = directory(store).deactivate(&ids, "").await.unwrap_err();
    let done = failed.report().unwrap();
    assert_eq!((done.entries().len(), done.unchanged()), (100, 100));
}

pub(crate) async fn a_dry_run_reports_the_effects_and_changes_nothing(store: &Store) {
    let created = store.provision(&person("ana").build()).await.unwrap();
    let id = created.user().id;
    let before = store.rows().await;
    let dry = directory(store).dry_run();
    for report in [
        dry.deactivate(&[id], "").await,
        dry.delete(&[id], "").await,
        dry.erase(&[id], "").await,
        dry.grant_role(&[id], "editor").await,
        dry.revoke_tokens(&[id], "").await,
    ] {
        assert_eq!(effects(&report.unwrap()), [Effect::Changed]);
    }
    assert_eq!(store.rows().await, before);
}
