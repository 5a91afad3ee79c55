//! Changes by newer tokens, for mappings that store roles and profiles.

use sea_orm::{ColumnTrait, EntityTrait, QueryFilter};
use tower_jit_provisioning::{Outcome, Provisioner, testing::TestIdentity};

use super::{
    Shaped,
    checks::{ADDRESS, linking},
};
use crate::{
    common::shapes::{HASH, own_roles::OwnRoles, players},
    fixture::{Store, person},
};

async fn player(store: &Store, subject: &str) -> players::Model {
    let select = players::Entity::find().filter(players::Column::Subject.eq(subject));
    select.one(&store.db).await.unwrap().unwrap()
}

fn token(issued_at: i64) -> TestIdentity {
    person("ana").with_issued_at(issued_at)
}

pub(crate) async fn newer_tokens_replace_stored_roles_and_keep_those_of_an_operator(store: &Store) {
    let shaped = Shaped::<OwnRoles>::create(store).await;
    let provision = async |token: TestIdentity| {
        let answer = shaped.provisioner.provision(&token.build()).await.unwrap();
        let roles = answer.user().roles.join(" ");
        (
            answer.outcome(),
            roles,
            player(store, "ana").await.issuer_roles,
        )
    };
    let reported =
        |outcome, roles: &str, stored: &str| (outcome, roles.to_owned(), stored.to_owned());
    let editor = || ["editor"];
    assert_eq!(
        provision(token(1_000).with_roles(editor())).await,
        reported(Outcome::Created, "editor", "editor")
    );
    shaped
        .execute("UPDATE players SET manual_roles = 'auditor'")
        .await;
    assert_eq!(
        provision(token(2_000).with_roles(editor())).await,
        reported(Outcome::Found, "auditor editor", "editor")
    );
    assert_eq!(
        provision(token(3_000).with_roles(["viewer"])).await,
        reported(Outcome::Updated, "auditor viewer", "viewer")
    );
    assert_eq!(
        provision(token(2_500).with_roles(editor())).await,
        reported(Outcome::Found, "auditor editor", "viewer"),
        "an older token counts for itself and stores nothing"
    );
    assert_eq!(
        provision(token(4_000)).await,
        reported(Outcome::Found, "auditor", "viewer"),
        "absent"
    );
    assert_eq!(
        provision(token(4_000).with_truncated_roles()).await,
        reported(Outcome::Found, "auditor viewer", "viewer"),
        "truncated"
    );
    assert_eq!(
        provision(token(5_000).with_roles(Vec::<String>::new())).await,
        reported(Outcome::Updated, "auditor", ""),
        "present and empty"
    );
}

pub(crate) async fn newer_tokens_rename_a_user_without_a_password(store: &Store) {
    let shaped = Shaped::<OwnRoles>::create(store).await;
    let provision = async |token: TestIdentity| {
        let answer = shaped.provisioner.provision(&token.build()).await.unwrap();
        (answer.outcome(), player(store, "ana").await.name)
    };
    let named = |outcome, name: &str| (outcome, Some(name.to_owned()));
    assert_eq!(
        provision(token(1_000).with_full_name("Ana")).await,
        named(Outcome::Created, "Ana")
    );
    assert_eq!(
        provision(token(3_000).with_full_name("Ana Lind")).await,
        named(Outcome::Updated, "Ana Lind")
    );
    assert_eq!(
        provision(token(2_000).with_full_name("Ana")).await,
        named(Outcome::Found, "Ana Lind")
    );
    assert_eq!(
        provision(token(4_000).with_full_name("Ana Lind")).await,
        named(Outcome::Found, "Ana Lind")
    );
}

pub(crate) async fn a_profile_with_a_taken_address_is_stored_without_it(store: &Store) {
    let shaped = Shaped::<OwnRoles>::create(store).await;
    let owner = shaped.import(ADDRESS).await;
    let provisioner = &shaped.provisioner;
    provisioner.provision(&token(1_000).build()).await.unwrap();
    let grasping = token(2_000)
        .with_full_name("Ana")
        .with_vouched_email(ADDRESS);
    let updated = provisioner.provision(&grasping.build()).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    let row = player(store, "ana").await;
    assert_ne!(row.id.to_string(), owner);
    assert_eq!(row.name.as_deref(), Some("Ana"));
    assert_eq!((row.email, row.email_key), (None, None));
}

pub(crate) async fn a_linked_user_keeps_the_profile_and_gets_the_roles(store: &Store) {
    let shaped = Shaped::<OwnRoles>::create(store).await;
    shaped.import(ADDRESS).await;
    let token = |issued_at| {
        linking("ana")
            .with_issued_at(issued_at)
            .with_full_name("A. Lind")
    };
    let linked = shaped
        .provisioner
        .provision(&token(1_000).with_roles(["editor"]).build())
        .await;
    let linked = linked.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    assert_eq!(linked.user().roles, ["editor"]);
    let promoted = shaped
        .provisioner
        .provision(&token(2_000).with_roles(["admin"]).build())
        .await;
    assert_eq!(promoted.unwrap().outcome(), Outcome::Updated);
    let row = player(store, "ana").await;
    assert_eq!(row.issuer_roles, "admin");
    assert_eq!(row.name.as_deref(), Some("Ana Lind"));
    assert_eq!(row.hashed_password.as_deref(), Some(HASH));
}
