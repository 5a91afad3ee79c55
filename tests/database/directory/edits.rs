//! Profile edits by the application.

use tower_jit_provisioning::{
    Email,
    sea_orm::directory::{DirectoryErrorKind, Effect, ProfileEdit, Refusal},
};

use super::{directory, effects, with_status};
use crate::{common::setup::password_user, fixture::Store};

pub(crate) async fn an_edited_attribute_is_marked_as_local(store: &Store) {
    let id = store.insert(password_user("ana@example.com")).await.id;
    let directory = directory(store);
    let edit = async |edit: ProfileEdit| effects(&directory.edit_profile(id, edit).await.unwrap());
    // The same name as before, but from now on marked as edited by the user.
    let same = || ProfileEdit::new().with_full_name("Ana Lind");
    assert_eq!(edit(same()).await, [Effect::Changed]);
    assert_eq!(store.user(id).await.local_attributes, "full_name");
    assert_eq!(edit(same()).await, [Effect::Unchanged]);
    let both = ProfileEdit::new().with_username("ana").without_full_name();
    assert_eq!(edit(both).await, [Effect::Changed]);
    let row = store.user(id).await;
    assert_eq!(row.local_attributes, "full_name,username");
    assert_eq!(
        (row.full_name, row.username.as_deref()),
        (None, Some("ana"))
    );
    assert!(row.email_key.is_some());
    let details: Vec<_> = store
        .rows()
        .await
        .events
        .into_iter()
        .map(|it| it.detail)
        .collect();
    assert_eq!(
        details,
        ["full_name", "full_name,username"].map(|it| Some(it.to_owned()))
    );
}

pub(crate) async fn a_new_address_is_unverified_and_the_same_mailbox_stays_verified(store: &Store) {
    let row = store.insert(password_user("ana@example.com")).await;
    let directory = directory(store);
    let set = async |address: &str| {
        let email = Email::parse(address).unwrap();
        let edit = ProfileEdit::new().with_email(email);
        directory.edit_profile(row.id, edit).await.unwrap();
        store.user(row.id).await
    };
    let same = set("Ana@Example.com").await;
    assert_eq!(same.email.as_deref(), Some("Ana@Example.com"));
    assert_eq!(
        (&same.email_key, &same.email_verified_by),
        (&row.email_key, &row.email_verified_by)
    );
    let other = set("eve@example.com").await;
    assert_eq!(other.email.as_deref(), Some("eve@example.com"));
    assert_eq!((other.email_key, other.email_verified_by), (None, None));
    // Restores the first address, which counts as unverified now.
    let back = set("ana@example.com").await;
    assert_eq!(
        (back.email_key, back.local_attributes.as_str()),
        (None, "email")
    );
}

pub(crate) async fn names_that_cannot_be_stored_are_invalid(store: &Store) {
    let id = with_status(store, "active").await;
    let directory = directory(store);
    for name in ["", "a\0b", &"n".repeat(1025)] {
        for edit in [
            ProfileEdit::new().with_full_name(name),
            ProfileEdit::new().with_username(name),
        ] {
            let refused = directory.edit_profile(id, edit).await.unwrap_err();
            assert_eq!(refused.kind(), DirectoryErrorKind::Invalid);
        }
    }
    let longest = "\u{1f984}".repeat(256);
    let edit = ProfileEdit::new().with_full_name(longest.as_str());
    directory.edit_profile(id, edit).await.unwrap();
    assert_eq!(store.user(id).await.full_name, Some(longest));
    let deleted = with_status(store, "deleted").await;
    let edit = ProfileEdit::new().with_full_name("Ana");
    let report = directory.edit_profile(deleted, edit).await.unwrap();
    assert_eq!(effects(&report), [Effect::Refused(Refusal::Deleted)]);
}
