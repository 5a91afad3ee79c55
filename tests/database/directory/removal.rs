//! Deletion and erasure of users.

use sea_orm::{
    ColumnTrait, EntityTrait, QueryFilter, SqliteTransactionMode, TransactionOptions,
    TransactionTrait, sea_query::Expr,
};
use tower_jit_provisioning::{
    Outcome, Provisioner,
    sea_orm::{
        directory::{Effect, NewIdentity, Refusal},
        entity::users,
        issuer_key,
    },
};

use super::{directory, effects};
use crate::fixture::{ISSUER, Store, person};

pub(crate) async fn a_deleted_user_leaves_a_tombstone_and_a_free_address(store: &Store) {
    let ana = person("ana")
        .with_vouched_email("ana@example.com")
        .with_full_name("Ana Lind")
        .build();
    let id = store.provision(&ana).await.unwrap().user().id;
    let row = users::Model {
        username: Some("ana".to_owned()),
        hashed_password: Some("$argon2id$".to_owned()),
        local_attributes: "email".to_owned(),
        ..store.user(id).await
    };
    store.update(row).await;
    let directory = directory(store);
    directory.grant_role(&[id], "editor").await.unwrap();
    for expected in [Effect::Changed, Effect::Unchanged] {
        let report = directory.delete(&[id], "asked for it").await.unwrap();
        assert_eq!(effects(&report), [expected]);
    }
    let row = store.user(id).await;
    let expected = users::Model {
        id,
        status: "deleted".to_owned(),
        status_source: Some("root".to_owned()),
        status_reason: Some("asked for it".to_owned()),
        tokens_valid_after: row.tokens_valid_after,
        created_at: row.created_at,
        updated_at: row.updated_at,
        ..users::Model::new("")
    };
    assert!(row == expected && row.tokens_valid_after.is_some());
    let rows = store.rows().await;
    assert!(rows.grants.is_empty());
    assert_eq!(rows.identities[0].subject, "ana");
    let deleted = rows.events.iter().filter(|event| event.event == "deleted");
    assert_eq!(deleted.count(), 1);

    store.assert_refused(&ana, "deleted").await;
    let report = directory.reactivate(&[id], "").await.unwrap();
    assert_eq!(effects(&report), [Effect::Refused(Refusal::Deleted)]);
    let successor = person("another ana")
        .with_vouched_email("ana@example.com")
        .build();
    let created = store.provision(&successor).await.unwrap();
    assert_eq!(created.outcome(), Outcome::Created);
    assert!(created.user().email_is_verified && created.user().id != id);
}

pub(crate) async fn an_erased_user_is_stored_as_a_hash_and_still_refused(store: &Store) {
    let ana = person("ana").build();
    let id = store.provision(&ana).await.unwrap().user().id;
    let directory = directory(store);
    directory
        .link(id, NewIdentity::new("https://other.example", "ana-2"))
        .await
        .unwrap();
    directory.delete(&[id], "").await.unwrap();
    for expected in [Effect::Changed, Effect::Unchanged] {
        let report = directory.erase(&[id], "").await.unwrap();
        assert_eq!(effects(&report), [expected]);
    }
    let rows = store.rows().await;
    assert_eq!(rows.identities.len(), 2);
    for identity in &rows.identities {
        assert_eq!(
            (identity.issuer.as_str(), identity.subject.as_str()),
            ("", "")
        );
        assert_eq!(identity.issuer_key, identity.identity_key);
        assert_ne!(identity.issuer_key, issuer_key(ISSUER));
        assert_eq!(identity.subject_strategy, "");
    }
    store.assert_refused(&ana, "deleted").await;
    let names: Vec<_> = rows
        .events
        .iter()
        .map(|event| event.event.as_str())
        .collect();
    assert_eq!(names, ["created", "pre_linked", "deleted", "erased"]);
}

pub(crate) async fn erasing_an_active_user_deletes_it_too(store: &Store) {
    let ana = person("ana").with_vouched_email("ana@example.com").build();
    let id = store.provision(&ana).await.unwrap().user().id;
    let report = directory(store).erase(&[id], "gdpr").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    let row = store.user(id).await;
    assert_eq!(
        (row.status.as_str(), row.email, row.email_key),
        ("deleted", None, None)
    );
    assert!(row.tokens_valid_after.is_some());
    store.assert_refused(&ana, "deleted").await;
    assert_eq!(store.rows().await.events.len(), 2);
}

pub(crate) async fn a_concurrent_profile_update_does_not_change_a_deleted_user(store: &Store) {
    let ana = |name: &str, at| {
        person("ana")
            .with_full_name(name)
            .with_issued_at(at)
            .build()
    };
    let created = store.provision(&ana("Ana Lind", 1_000)).await.unwrap();
    let id = created.user().id;
    let writer = store.connect(1).await.unwrap();
    let deletion = writer
        .begin_with_options(TransactionOptions {
            sqlite_transaction_mode: Some(SqliteTransactionMode::Immediate),
            ..TransactionOptions::default()
        })
        .await
        .unwrap();
    users::Entity::update_many()
        .col_expr(users::Column::Status, Expr::value("deleted"))
        .col_expr(users::Column::FullName, Expr::value(None::<String>))
        .filter(users::Column::Id.eq(id))
        .exec(&deletion)
        .await
        .unwrap();
    store.statements();
    let provisioner = store.provisioner();
    let request = tokio::spawn(async move {
        let newer = ana("Ana Diaz", 2_000);
        provisioner.provision(&newer).await.map(|_| ())
    });
    // The request has read the user before the deletion is committed.
    store.statements_answered(1).await;
    deletion.commit().await.unwrap();
    request.await.unwrap().unwrap();
    let row = store.user(id).await;
    assert_eq!((row.status.as_str(), row.full_name), ("deleted", None));
}
