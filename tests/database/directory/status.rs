//! Status changes: deactivate, reactivate, approve, revoke.

use time::Duration;
use tower_jit_provisioning::{
    Outcome,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect, Refusal},
        entity::{now, users},
    },
};
use uuid::Uuid;

use super::{directory, effects, with_status};
use crate::fixture::{Store, person};

fn millis(at: time::PrimitiveDateTime) -> i64 {
    i64::try_from(at.assume_utc().unix_timestamp_nanos() / 1_000_000).unwrap()
}

pub(crate) async fn a_deactivated_user_is_refused_and_earlier_tokens_stay_revoked(store: &Store) {
    let old = person("ana").with_issued_at(millis(now()) - 60_000).build();
    let id = store.provision(&old).await.unwrap().user().id;
    let before = now();
    let report = directory(store).deactivate(&[id], "left").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    store.assert_refused(&old, "deactivated").await;
    let row = store.user(id).await;
    assert_eq!(row.status_source.as_deref(), Some("root"));
    assert_eq!(row.status_reason.as_deref(), Some("left"));
    let void_until = row.tokens_valid_after.unwrap();
    assert!((before..=now()).contains(&void_until));

    let report = directory(store).reactivate(&[id], "back").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    store.assert_refused(&old, "revoked").await;
    assert_eq!(store.user(id).await.tokens_valid_after, Some(void_until));
    let fresh = person("ana").with_issued_at(millis(now()) + 1_000).build();
    let found = store.provision(&fresh).await.unwrap();
    assert_eq!((found.outcome(), found.user().id), (Outcome::Found, id));

    let events = store.rows().await.events;
    let reported: Vec<_> = events
        .iter()
        .map(|event| {
            assert_eq!((event.user_id, event.tenant.as_str()), (id, ""));
            let [actor, detail] = [&event.actor, &event.detail].map(Option::as_deref);
            (event.event.as_str(), actor, detail)
        })
        .collect();
    assert_eq!(
        reported,
        [
            ("created", None, None),
            ("deactivated", Some("root"), Some("left")),
            ("reactivated", Some("root"), Some("back")),
        ]
    );
}

pub(crate) async fn every_change_applies_to_its_documented_statuses_only(store: &Store) {
    use Effect::{Changed, NotFound, Refused, Unchanged};

    const DELETED: Effect = Refused(Refusal::Deleted);
    const WRONG: Effect = Refused(Refusal::WrongStatus);

    let statuses = ["active", "pending", "deactivated", "deleted", "suspended"];
    let table = [
        (
            "deactivate",
            [Changed, Changed, Unchanged, DELETED, Changed],
        ),
        ("reactivate", [Unchanged, WRONG, Changed, DELETED, WRONG]),
        ("approve", [Unchanged, Changed, WRONG, DELETED, WRONG]),
        ("revoke", [Changed, Changed, Changed, DELETED, Changed]),
        ("delete", [Changed, Changed, Changed, Unchanged, Changed]),
    ];
    for (operation, expected) in table {
        let mut ids = Vec::new();
        for status in statuses {
            ids.push(with_status(store, status).await);
        }
        ids.push(Uuid::now_v7());
        let before = store.rows().await.events.len();
        let directory = directory(store);
        let report = match operation {
            "deactivate" => directory.deactivate(&ids, "").await,
            "reactivate" => directory.reactivate(&ids, "").await,
            "approve" => directory.approve(&ids).await,
            "revoke" => directory.revoke_tokens(&ids, "").await,
            _ => directory.delete(&ids, "").await,
        };
        let report = report.unwrap();
        let mut expected = expected.to_vec();
        expected.push(NotFound);
        assert_eq!(effects(&report), expected, "{operation}");
        let events = store.rows().await.events.split_off(before);
        assert_eq!(events.len(), report.changed(), "{operation}");
        assert!(events.iter().all(|event| event.detail.is_none()));
    }
}

pub(crate) async fn the_revocation_time_never_moves_backwards(store: &Store) {
    let future = now() + Duration::hours(1);
    let directory = directory(store);
    let mut ids = Vec::new();
    for _ in 0..3 {
        let user = users::Model {
            tokens_valid_after: Some(future),
            ..users::Model::new("")
        };
        ids.push(store.insert(user).await.id);
    }
    directory.deactivate(&ids[..1], "").await.unwrap();
    directory.revoke_tokens(&ids[1..2], "").await.unwrap();
    directory.delete(&ids[2..], "").await.unwrap();
    for id in ids {
        assert_eq!(store.user(id).await.tokens_valid_after, Some(future));
    }
}

pub(crate) async fn a_refused_change_becomes_an_error_on_request(store: &Store) {
    let directory = directory(store);
    let kind = async |id: Uuid| {
        let report = directory.reactivate(&[id], "").await.unwrap();
        report
            .into_result()
            .map_err(|error| (error.kind(), error.refusal()))
    };
    let deleted = with_status(store, "deleted").await;
    let conflict = (DirectoryErrorKind::Conflict, Some(Refusal::Deleted));
    assert_eq!(kind(deleted).await.unwrap_err(), conflict);
    let unknown = (DirectoryErrorKind::NotFound, None);
    assert_eq!(kind(Uuid::now_v7()).await.unwrap_err(), unknown);
    assert!(kind(with_status(store, "active").await).await.is_ok());
}

pub(crate) async fn reasons_of_an_operator_are_truncated_to_the_column_size(store: &Store) {
    let id = with_status(store, "active").await;
    let actor = "\u{e9}".repeat(100);
    let reason = format!("a\0b\r\n{}", "\u{1f984}".repeat(100));
    let directory = directory(store).acting_as(&actor);
    directory.deactivate(&[id], &reason).await.unwrap();
    let row = store.user(id).await;
    let kept = format!("ab{}", "\u{1f984}".repeat(63));
    assert_eq!(row.status_reason.as_ref(), Some(&kept));
    assert_eq!(row.status_source, Some("\u{e9}".repeat(64)));
    assert_eq!(store.rows().await.events[0].detail, Some(kept));
}
