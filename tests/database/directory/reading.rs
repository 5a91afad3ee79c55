//! Reading: one user, pages, filters, events.

use sea_orm::EntityTrait;
use tower_jit_provisioning::{
    Email, UserStatus,
    sea_orm::{
        directory::{DirectoryErrorKind, EventFilter, PageRequest, UserDirectory, UserFilter},
        entity::users,
    },
};
use uuid::Uuid;

use super::{directory, many, named, with_grant, with_status};
use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, person},
};

pub(crate) async fn a_record_holds_everything_but_the_password(store: &Store) {
    let ana = store
        .provision(&person("ana").build())
        .await
        .unwrap()
        .user()
        .id;
    let bo = store.insert(password_user("bo@example.com")).await.id;
    let directory = directory(store);
    directory.grant_role(&[ana], "editor").await.unwrap();
    directory.deactivate(&[ana], "left").await.unwrap();
    let record = directory.get(ana).await.unwrap().unwrap();
    assert_eq!(
        (record.user.id, record.user.status),
        (ana, UserStatus::Deactivated)
    );
    assert_eq!(record.user.roles, ["editor"]);
    assert_eq!(record.identities[0].subject, "ana");
    assert_eq!(record.grants[0].source, "manual");
    assert_eq!(record.status_source.as_deref(), Some("root"));
    assert_eq!(record.status_reason.as_deref(), Some("left"));
    assert!(record.tokens_valid_after.is_some() && !record.has_password);
    assert_eq!(directory.find(ISSUER, "ana").await.unwrap(), Some(record));
    assert_eq!(directory.find(ISSUER, "Ana").await.unwrap(), None);
    assert!(directory.get(bo).await.unwrap().unwrap().has_password);
    assert_eq!(directory.get(Uuid::now_v7()).await.unwrap(), None);
    let elsewhere = directory.clone().in_tenant("acme");
    assert_eq!(elsewhere.get(ana).await.unwrap(), None);
    assert_eq!(elsewhere.find(ISSUER, "ana").await.unwrap(), None);
}

const NOBODY: [Uuid; 0] = [];

async fn ids(directory: &UserDirectory, filter: &UserFilter) -> Vec<Uuid> {
    let page = directory
        .list(filter, PageRequest::first(200))
        .await
        .unwrap();
    assert_eq!(page.next, None);
    page.items.iter().map(|record| record.user.id).collect()
}

pub(crate) async fn pages_neither_repeat_nor_miss_a_user(store: &Store) {
    let users = many(store, 25).await;
    store.insert(users::Model::new("acme")).await;
    let directory = directory(store);
    for newest_first in [false, true] {
        let mut seen = Vec::new();
        let mut request = PageRequest::first(10);
        if newest_first {
            request = request.newest_first();
        }
        let mut after = None;
        let mut pages = 0;
        loop {
            let request = after.map_or(request, |after| request.after(after));
            let page = directory.list(&UserFilter::new(), request).await.unwrap();
            seen.extend(page.items.iter().map(|record| record.user.id));
            pages += 1;
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        if newest_first {
            seen.reverse();
        }
        assert_eq!((seen, pages), (users.clone(), 3));
    }
}

pub(crate) async fn a_cursor_of_a_deleted_user_keeps_its_place(store: &Store) {
    let users = many(store, 6).await;
    let directory = directory(store);
    let first = directory
        .list(&UserFilter::new(), PageRequest::first(3))
        .await
        .unwrap();
    let cursor = first.next.unwrap();
    assert_eq!(cursor, users[2]);
    // The cursor's user was deleted, and a new user was created.
    users::Entity::delete_by_id(cursor)
        .exec(&store.db)
        .await
        .unwrap();
    let newcomer = store.insert(named("new")).await.id;
    let request = PageRequest::first(3).after(cursor);
    let second = directory.list(&UserFilter::new(), request).await.unwrap();
    let listed: Vec<Uuid> = second.items.iter().map(|record| record.user.id).collect();
    assert_eq!(listed, users[3..]);
    let last = directory
        .list(&UserFilter::new(), request.after(second.next.unwrap()))
        .await
        .unwrap();
    assert_eq!(
        (last.items[0].user.id, last.items.len(), last.next),
        (newcomer, 1, None)
    );
    // A cursor that is no user's id has a place in the order too.
    for (cursor, expected) in [(Uuid::nil(), 3), (Uuid::max(), 0)] {
        let request = PageRequest::first(3).after(cursor);
        let page = directory.list(&UserFilter::new(), request).await.unwrap();
        assert_eq!(page.items.len(), expected);
    }
    for limit in [0, 201, u64::MAX] {
        let refused = directory
            .list(&UserFilter::new(), PageRequest::first(limit))
            .await;
        assert_eq!(refused.unwrap_err().kind(), DirectoryErrorKind::Invalid);
    }
}

pub(crate) async fn every_filter_narrows_the_list(store: &Store) {
    let ana = store
        .provision(&person("ana").build())
        .await
        .unwrap()
        .user()
        .id;
    let pending = with_status(store, "pending").await;
    let admin = with_grant(store, "admin", "issuer:x").await;
    let directory = directory(store);
    let filter = UserFilter::new;
    assert_eq!(ids(&directory, &filter()).await, [ana, pending, admin]);
    let active = filter().with_status(UserStatus::Active);
    assert_eq!(ids(&directory, &active).await, [ana, admin]);
    assert_eq!(ids(&directory, &filter().with_role("admin")).await, [admin]);
    assert_eq!(ids(&directory, &filter().with_role("Admin")).await, NOBODY);
    assert_eq!(ids(&directory, &filter().with_issuer(ISSUER)).await, [ana]);
    assert_eq!(
        ids(&directory, &filter().with_issuer("https://id.example.co")).await,
        NOBODY
    );
    let cy = store.insert(password_user("cy@example.com")).await.id;
    for (address, holder) in [
        ("CY@example.com", &[cy][..]),
        ("di@example.com", &NOBODY[..]),
    ] {
        let email = Email::parse(address).unwrap();
        let held = filter().with_email(email);
        assert_eq!(ids(&directory, &held).await, holder, "{address}");
    }
    let unknown = filter().without_identity();
    assert_eq!(ids(&directory, &unknown).await, [pending, admin, cy]);
    assert_eq!(
        ids(&directory, &unknown.with_status(UserStatus::Active)).await,
        [admin, cy]
    );
    let elsewhere = directory.clone().in_tenant("acme");
    assert_eq!(ids(&elsewhere, &filter()).await, NOBODY);
}

pub(crate) async fn search_text_is_matched_literally(store: &Store) {
    let names = [
        "100% Ana",
        "100 Ana",
        "snake_case",
        "snakeXcase",
        "back\\slash",
        "bang!",
        "O'Brien",
        "\u{c9}ric",
        "[set]",
        "ANDRE",
        "!%_",
        "\"quoted\"",
    ];
    let mut users = Vec::new();
    for name in names {
        users.push((name, store.insert(named(name)).await.id));
    }
    let directory = directory(store);
    let found = async |filter: UserFilter| {
        let ids = ids(&directory, &filter).await;
        let names = users.iter().filter(|(_, id)| ids.contains(id));
        names.map(|(name, _)| *name).collect::<Vec<_>>()
    };
    let table: [(&str, &[&str]); 14] = [
        ("%", &["100% Ana", "!%_"]),
        ("_", &["snake_case", "!%_"]),
        ("snake_case", &["snake_case"]),
        ("0% a", &["100% Ana"]),
        ("\\", &["back\\slash"]),
        ("k\\s", &["back\\slash"]),
        ("!", &["bang!", "!%_"]),
        ("!%", &["!%_"]),
        ("'", &["O'Brien"]),
        ("\u{c9}ric", &["\u{c9}ric"]),
        ("[set]", &["[set]"]),
        ("andre", &["ANDRE"]),
        ("\"", &["\"quoted\""]),
        ("nobody", &[]),
    ];
    for (text, expected) in table {
        assert_eq!(
            found(UserFilter::new().containing(text)).await,
            expected,
            "{text}"
        );
    }
    for text in ["", "a\0b", &"x".repeat(255)] {
        let filter = UserFilter::new().containing(text);
        let refused = directory.list(&filter, PageRequest::first(1)).await;
        assert_eq!(refused.unwrap_err().kind(), DirectoryErrorKind::Invalid);
    }
}

pub(crate) async fn address_and_user_name_are_searched_too(store: &Store) {
    let ana = store.insert(password_user("Ana@Example.com")).await.id;
    let bo = users::Model {
        username: Some("bo.lind".to_owned()),
        ..users::Model::new("")
    };
    let bo = store.insert(bo).await.id;
    let directory = directory(store);
    let search = |text: &str| UserFilter::new().containing(text);
    assert_eq!(ids(&directory, &search("@example.COM")).await, [ana]);
    assert_eq!(ids(&directory, &search("lind")).await, [ana, bo]);
    assert_eq!(ids(&directory, &search("bo.")).await, [bo]);
}

pub(crate) async fn events_are_paged_per_user_and_over_all(store: &Store) {
    let users = many(store, 3).await;
    let elsewhere = store.insert(users::Model::new("acme")).await.id;
    let directory = directory(store);
    directory.deactivate(&users, "one").await.unwrap();
    directory.reactivate(&users[..1], "two").await.unwrap();
    directory
        .clone()
        .in_tenant("acme")
        .deactivate(&[elsewhere], "")
        .await
        .unwrap();
    let all = EventFilter::new();
    let first = directory.events(&all, PageRequest::first(3)).await.unwrap();
    assert!(first.items.iter().all(|event| event.event == "deactivated"));
    let rest = PageRequest::first(3).after(first.next.unwrap());
    let rest = directory.events(&all, rest).await.unwrap();
    assert_eq!((rest.items.len(), rest.next), (1, None));
    assert_eq!(rest.items[0].event, "reactivated");
    let newest = PageRequest::first(1).newest_first();
    let of_user = EventFilter::new().with_user(users[0]);
    let newest = directory.events(&of_user, newest).await.unwrap();
    assert_eq!(newest.items[0].detail.as_deref(), Some("two"));
    assert!(newest.next.is_some());
    let foreign = EventFilter::new().with_user(elsewhere);
    let foreign = directory
        .events(&foreign, PageRequest::first(10))
        .await
        .unwrap();
    assert!(foreign.items.is_empty());
    let page = PageRequest::first(10);
    let by_kind = EventFilter::new().with_kind("reactivated");
    let by_kind = directory.events(&by_kind, page).await.unwrap();
    assert_eq!(by_kind.items.len(), 1);
    let by_nobody = EventFilter::new().with_actor("nobody");
    let by_nobody = directory.events(&by_nobody, page).await.unwrap();
    assert!(by_nobody.items.is_empty());
    for filter in [
        EventFilter::new().with_kind("a\0"),
        EventFilter::new().with_actor(""),
    ] {
        let refused = directory.events(&filter, page).await.unwrap_err();
        assert_eq!(refused.kind(), DirectoryErrorKind::Invalid);
    }
}
