//! Grants by an operator.

use tower_jit_provisioning::sea_orm::{
    directory::{DirectoryErrorKind, Effect, Refusal},
    issuer_key,
};

use super::{directory, effects, grant, with_status};
use crate::fixture::{ISSUER, Store, person};

pub(crate) async fn grants_and_revocations_apply_at_the_next_request(store: &Store) {
    let identity = person("ana").build();
    let id = store.provision(&identity).await.unwrap().user().id;
    let directory = directory(store);
    for expected in [Effect::Changed, Effect::Unchanged] {
        let report = directory.grant_role(&[id], "editor").await.unwrap();
        assert_eq!(effects(&report), [expected]);
    }
    let found = store.provision(&identity).await.unwrap();
    assert_eq!(found.user().roles, ["editor"]);
    for expected in [Effect::Changed, Effect::Unchanged] {
        let report = directory.revoke_role(&[id], "editor").await.unwrap();
        assert_eq!(effects(&report), [expected]);
    }
    let found = store.provision(&identity).await.unwrap();
    assert!(found.user().roles.is_empty());
    let rows = store.rows().await;
    let reported: Vec<_> = rows.events[1..]
        .iter()
        .map(|event| (event.event.as_str(), event.detail.as_deref()))
        .collect();
    let editor = Some("editor");
    assert_eq!(
        reported,
        [("role_granted", editor), ("role_revoked", editor)]
    );
}

pub(crate) async fn an_operator_cannot_revoke_a_grant_of_an_issuer(store: &Store) {
    let id = with_status(store, "active").await;
    let source = format!("issuer:{}", issuer_key(ISSUER));
    grant(store, id, "editor", &source).await;
    let directory = directory(store);
    let report = directory.revoke_role(&[id], "editor").await.unwrap();
    assert_eq!(effects(&report), [Effect::Refused(Refusal::HeldByIssuer)]);
    directory.grant_role(&[id], "editor").await.unwrap();
    let report = directory.revoke_role(&[id], "editor").await.unwrap();
    assert_eq!(effects(&report), [Effect::Changed]);
    let left = store.rows().await.grants;
    assert_eq!(left.len(), 1);
    assert_eq!(left[0].source, source);
}

pub(crate) async fn roles_that_databases_could_change_are_invalid(store: &Store) {
    let id = with_status(store, "active").await;
    for role in ["", "admin ", " admin", "ad\0min", &"r".repeat(129)] {
        let granted = directory(store).grant_role(&[id], role).await;
        assert_eq!(granted.unwrap_err().kind(), DirectoryErrorKind::Invalid);
        let revoked = directory(store).revoke_role(&[id], role).await;
        assert_eq!(revoked.unwrap_err().kind(), DirectoryErrorKind::Invalid);
    }
    // Roles are compared byte for byte.
    for role in ["admin", "Admin", "\u{e1}dmin"] {
        let report = directory(store).grant_role(&[id], role).await.unwrap();
        assert_eq!(effects(&report), [Effect::Changed], "{role}");
    }
    assert_eq!(store.rows().await.grants.len(), 3);
}
