//! Protection of the last administrator.

use sea_orm::EntityTrait;
use tower_jit_provisioning::{
    UserStatus,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect, Refusal, UserDirectory},
        entity::role_grants,
    },
};
use uuid::Uuid;

use super::{directory, effects, grant, many, status, with_grant};
use crate::fixture::Store;

const LAST: Effect = Effect::Refused(Refusal::LastAdministrator);

fn guarded(store: &Store) -> UserDirectory {
    directory(store).with_admin_role("admin")
}

pub(crate) async fn the_last_administrator_can_neither_be_removed_nor_lose_the_role(store: &Store) {
    let admin = with_grant(store, "admin", "manual").await;
    // No other user here is active and has the role by an operator's grant.
    with_grant(store, "admin", "issuer:x").await;
    with_grant(store, "editor", "manual").await;
    let idle = with_grant(store, "admin", "manual").await;
    directory(store).deactivate(&[idle], "").await.unwrap();
    let before = store.rows().await;
    let directory = guarded(store);
    for report in [
        directory.deactivate(&[admin], "").await,
        directory.delete(&[admin], "").await,
        directory.erase(&[admin], "").await,
        directory.revoke_role(&[admin], "admin").await,
    ] {
        let report = report.unwrap();
        assert_eq!(effects(&report), [LAST]);
        let error = report.into_result().unwrap_err();
        assert_eq!(error.kind(), DirectoryErrorKind::Conflict);
        assert_eq!(error.refusal(), Some(Refusal::LastAdministrator));
    }
    assert_eq!(store.rows().await, before);
    // Without a configured role name, no user is an administrator.
    let unguarded = super::directory(store).revoke_role(&[admin], "admin").await;
    assert_eq!(effects(&unguarded.unwrap()), [Effect::Changed]);
}

pub(crate) async fn an_administrator_can_be_removed_while_another_exists(store: &Store) {
    let [first, second, third] = [
        with_grant(store, "admin", "manual").await,
        with_grant(store, "admin", "manual").await,
        with_grant(store, "admin", "issuer:x").await,
    ];
    let directory = guarded(store);
    let all = directory.clone().dry_run();
    let report = all.deactivate(&[first, third, second], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed, Effect::Changed, LAST]);
    let report = directory.deactivate(&[first, second], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed, LAST]);
    // An inactive user is not an administrator any more, and can be deleted.
    let report = directory.delete(&[first], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    let report = directory.revoke_role(&[second], "editor").await.unwrap();
    assert_eq!(effects(&report), [Effect::Unchanged]);
}

pub(crate) async fn the_last_administrator_granted_by_an_issuer_is_protected_too(store: &Store) {
    let [first, second] = [
        with_grant(store, "admin", "issuer:x").await,
        with_grant(store, "admin", "issuer:x").await,
    ];
    let report = guarded(store)
        .deactivate(&[first, second], "")
        .await
        .unwrap();
    assert_eq!(effects(&report), [Effect::Changed, LAST]);
}

pub(crate) async fn a_dry_run_counts_administrators_across_batches(store: &Store) {
    let [first, second] = [
        with_grant(store, "admin", "manual").await,
        with_grant(store, "admin", "manual").await,
    ];
    let mut list = vec![first];
    list.extend(many(store, 120).await);
    list.push(second);
    let dry = guarded(store).dry_run();
    let report = dry.deactivate(&list, "").await.unwrap();
    assert_eq!(report.changed(), 121);
    assert_eq!(
        report.entries().last().map(|entry| entry.effect),
        Some(LAST)
    );
    let report = guarded(store).deactivate(&list, "").await.unwrap();
    assert_eq!(report.changed(), 121);
}

pub(crate) async fn concurrent_removals_leave_one_administrator(store: &Store) {
    for round in 0..12 {
        let mut admins = Vec::new();
        for _ in 0..3 {
            admins.push(with_grant(store, "admin", "manual").await);
        }
        let tasks: Vec<_> = admins
            .iter()
            .enumerate()
            .map(|(number, admin)| {
                let (directory, admin) = (guarded(store), *admin);
                tokio::spawn(async move {
                    match (round + number) % 3 {
                        0 => directory.deactivate(&[admin], "").await,
                        1 => directory.delete(&[admin], "").await,
                        _ => directory.revoke_role(&[admin], "admin").await,
                    }
                })
            })
            .collect();
        let mut outcomes = Vec::new();
        for task in tasks {
            outcomes.extend(effects(&task.await.unwrap().unwrap()));
        }
        assert_eq!(
            outcomes.iter().filter(|effect| **effect == LAST).count(),
            1,
            "{outcomes:?}"
        );
        let left = acting_administrators(store).await;
        assert_eq!(left.len(), 1, "round {round}");
        // Removes the remaining users before the next round.
        let unguarded = directory(store).delete(&left, "").await.unwrap();
        assert_eq!(unguarded.changed(), 1);
    }
}

pub(crate) async fn the_last_administrator_can_be_removed_after_a_new_one_is_granted(
    store: &Store,
) {
    let [first, second] = [
        with_grant(store, "admin", "manual").await,
        with_grant(store, "editor", "manual").await,
    ];
    let directory = guarded(store);
    let report = directory.deactivate(&[first], "").await.unwrap();
    assert_eq!(effects(&report), [LAST]);
    directory.grant_role(&[second], "admin").await.unwrap();
    let report = directory.deactivate(&[first], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    // Another tenant has its own administrators.
    let elsewhere = directory.in_tenant("acme");
    grant(store, first, "auditor", "manual").await;
    let report = elsewhere.deactivate(&[second], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::NotFound]);
}

async fn acting_administrators(store: &Store) -> Vec<Uuid> {
    let grants = role_grants::Entity::find().all(&store.db).await.unwrap();
    let mut acting = Vec::new();
    for grant in grants.into_iter().filter(|grant| grant.role == "admin") {
        if status(store, grant.user_id).await == Some(UserStatus::Active) {
            acting.push(grant.user_id);
        }
    }
    acting
}
