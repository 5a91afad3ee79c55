//! Relinking of users when an issuer moves.

use sea_orm::{ActiveModelTrait, ActiveValue::Set, IntoActiveModel};
use tower_jit_provisioning::{
    Outcome,
    sea_orm::{
        directory::{DirectoryErrorKind, Effect, NewIdentity, Refusal, Relink},
        entity::users,
        issuer_key,
    },
    testing::TestIdentity,
};

use super::{directory, effects, grant};
use crate::fixture::{ISSUER, Store, person};

const NEW: &str = "https://new.example.com";

pub(crate) async fn grants_and_profile_of_the_old_issuer_move_to_the_new_one(store: &Store) {
    let old = person("ana").with_vouched_email("ana@example.com").build();
    let id = store.provision(&old).await.unwrap().user().id;
    let source = |issuer: &str| format!("issuer:{}", issuer_key(issuer));
    for (role, source) in [("editor", source(ISSUER)), ("admin", "manual".to_owned())] {
        grant(store, id, role, &source).await;
    }
    let row = users::Model {
        profile_key: Some(old.key().to_string()),
        ..store.user(id).await
    };
    store.update(row).await;
    let identity = store.rows().await.identities.remove(0);
    let mut identity = identity.into_active_model();
    identity.subject_strategy = Set("/sub".to_owned());
    identity.update(&store.db).await.unwrap();

    let relink = Relink::new(ISSUER, NEW);
    let before = store.rows().await;
    let would = directory(store).dry_run().relink(&relink).await.unwrap();
    assert_eq!(store.rows().await, before);
    let report = directory(store).relink(&relink).await.unwrap();
    assert_eq!((effects(&report), &report), (vec![Effect::Changed], &would));

    let new = TestIdentity::new(NEW, "ana")
        .with_vouched_email("ana@example.com")
        .build();
    let rows = store.rows().await;
    let moved = &rows.identities[0];
    assert_eq!(
        (moved.issuer.as_str(), moved.subject.as_str()),
        (NEW, "ana")
    );
    assert_eq!(moved.identity_key, new.key().to_string());
    assert_eq!(moved.issuer_key, issuer_key(NEW));
    assert_eq!(
        (moved.subject_strategy.as_str(), moved.tenant.as_str()),
        ("/sub", "")
    );
    assert_eq!(
        rows.users[0].profile_key.as_ref(),
        Some(&moved.identity_key)
    );
    assert_eq!(
        rows.users[0].email_verified_by,
        Some(format!("issuer:{NEW}"))
    );
    assert_eq!(rows.users[0].email_key, before.users[0].email_key);
    let sources: Vec<_> = rows
        .grants
        .iter()
        .map(|grant| grant.source.clone())
        .collect();
    assert_eq!(sources, [source(NEW), "manual".to_owned()]);
    let event = rows.events.last().unwrap();
    assert_eq!(
        (event.event.as_str(), event.detail.as_ref()),
        ("relinked", None)
    );
    assert_eq!(event.identity_key.as_ref(), Some(&moved.identity_key));
    let found = store.provision(&new).await.unwrap();
    assert_eq!((found.outcome(), found.user().id), (Outcome::Found, id));
    let again = directory(store).relink(&relink).await.unwrap();
    assert!(again.entries().is_empty());
}

pub(crate) async fn a_profile_of_another_issuer_is_not_moved(store: &Store) {
    const OWNER: &str = "https://owner.example.com";
    let owner = |issued_at, name: &str| {
        let owner = TestIdentity::new(OWNER, "ana").with_issued_at(issued_at);
        owner.with_full_name(name).build()
    };
    let owning = owner(1_000, "Ana");
    let id = store.provision(&owning).await.unwrap().user().id;
    let directory = directory(store);
    let identity = NewIdentity::new(ISSUER, "ana");
    directory.link(id, identity).await.unwrap();

    let report = directory.relink(&Relink::new(ISSUER, NEW)).await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    let owners_key = Some(owning.key().to_string());
    assert_eq!(store.user(id).await.profile_key, owners_key);

    let moved = TestIdentity::new(NEW, "ana").with_issued_at(2_000);
    let moved = moved.with_full_name("Somebody").build();
    let found = store.provision(&moved).await.unwrap();
    assert_eq!((found.outcome(), found.user().id), (Outcome::Found, id));
    assert_eq!(found.user().full_name.as_deref(), Some("Ana"));
    let updated = store.provision(&owner(3_000, "Ana Lind")).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert_eq!(updated.user().full_name.as_deref(), Some("Ana Lind"));
}

pub(crate) async fn a_deleted_user_is_moved_and_an_erased_user_is_not(store: &Store) {
    let mut ids = Vec::new();
    for subject in ["ana", "bo"] {
        ids.push(
            store
                .provision(&person(subject).build())
                .await
                .unwrap()
                .user()
                .id,
        );
    }
    let directory = directory(store);
    directory.delete(&ids[..1], "").await.unwrap();
    directory.erase(&ids[1..], "").await.unwrap();
    let report = directory.relink(&Relink::new(ISSUER, NEW)).await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    let ana = TestIdentity::new(NEW, "ana").build();
    store.assert_refused(&ana, "deleted").await;
    store.assert_refused(&person("bo").build(), "deleted").await;
}

pub(crate) async fn an_existing_identity_is_not_overwritten(store: &Store) {
    // Ana signed in with the new issuer before the move; Bo has both identities.
    for issuer in [ISSUER, NEW] {
        let ana = TestIdentity::new(issuer, "ana").build();
        store.provision(&ana).await.unwrap();
    }
    let bo = store
        .provision(&person("bo").build())
        .await
        .unwrap()
        .user()
        .id;
    let directory = directory(store);
    directory
        .link(bo, NewIdentity::new(NEW, "bo's other"))
        .await
        .unwrap();
    store.provision(&person("cy").build()).await.unwrap();
    let report = directory.relink(&Relink::new(ISSUER, NEW)).await.unwrap();
    let taken = Effect::Refused(Refusal::Taken);
    assert_eq!(effects(&report), [taken, taken, Effect::Changed]);
    let found = store.provision(&person("ana").build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
}

pub(crate) async fn listed_subjects_are_mapped_and_others_left_unchanged(store: &Store) {
    let mut ids = Vec::new();
    for subject in ["ana", "bo"] {
        ids.push(
            store
                .provision(&person(subject).build())
                .await
                .unwrap()
                .user()
                .id,
        );
    }
    // The same issuer, whose subjects are read from another claim from now on.
    let relink = Relink::new(ISSUER, ISSUER)
        .with_subjects([("ana", "8d3c2b7e"), ("nobody", "x")])
        .with_subject_strategy("/oid");
    let report = directory(store).relink(&relink).await.unwrap();
    let unmapped = Effect::Refused(Refusal::Unmapped);
    assert_eq!(effects(&report), [Effect::Changed, unmapped]);
    let found = store.provision(&person("8d3c2b7e").build()).await.unwrap();
    assert_eq!((found.outcome(), found.user().id), (Outcome::Found, ids[0]));
    let found = store.provision(&person("bo").build()).await.unwrap();
    assert_eq!(found.user().id, ids[1]);
    let rows = store.rows().await;
    assert_eq!(rows.identities[0].subject_strategy, "/oid");
    for wrong in [
        Relink::new(ISSUER, ISSUER),
        Relink::new("", NEW),
        Relink::new(ISSUER, NEW).with_subjects([("ana", "")]),
        Relink::new(ISSUER, NEW).with_subjects([("ana", "x"), ("bo", "x")]),
    ] {
        let refused = directory(store).relink(&wrong).await.unwrap_err();
        assert_eq!(refused.kind(), DirectoryErrorKind::Invalid);
    }
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn hundreds_of_users_move_within_their_tenant(store: &Store) {
    for number in 0..230 {
        let identity = person(&format!("user{number}")).build();
        store.provision(&identity).await.unwrap();
    }
    let elsewhere = person("user1").with_tenant("acme").build();
    store.provision(&elsewhere).await.unwrap();
    let tasks = [0, 1].map(|_| {
        let directory = directory(store);
        tokio::spawn(async move { directory.relink(&Relink::new(ISSUER, NEW)).await })
    });
    let mut changed = 0;
    for task in tasks {
        let report = task.await.unwrap().unwrap();
        assert_eq!(report.refused(), 0);
        changed += report.changed();
    }
    assert_eq!(changed, 230);
    let rows = store.rows().await;
    let left: Vec<_> = rows
        .identities
        .iter()
        .filter(|it| it.issuer == ISSUER)
        .collect();
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].tenant, "acme");
    assert_eq!(
        rows.events
            .iter()
            .filter(|event| event.event == "relinked")
            .count(),
        230
    );
}
