//! Roles listed by tokens: stored as grants of their issuer.

use sea_orm::{
    ActiveModelTrait, ColumnTrait, ConnectionTrait, DbBackend, EntityTrait, IntoActiveModel,
    QueryFilter, QuerySelect, Statement, TransactionTrait, sea_query::Expr,
};
use tokio::time::timeout;
use tower_jit_provisioning::{
    IssuerPolicy, Linking, Outcome, Provisioner,
    provisioner::RoleGrant,
    sea_orm::entity::{role_grants, user_identities, users},
    testing::TestIdentity,
};

use crate::{
    common::{
        database::{Backend, PATIENCE},
        setup::password_user,
    },
    fixture::{ISSUER, Store, at_once, person},
};

const OTHER: &str = "https://other.example";

/// Returns Ana's token issued at a given time, with these roles.
fn ana<const N: usize>(issued_at: i64, roles: [&str; N]) -> TestIdentity {
    person("ana").with_issued_at(issued_at).with_roles(roles)
}

/// Returns the stored grants, as `role` for the default issuer and `role by source` for others.
async fn grants(store: &Store) -> Vec<String> {
    let grants = store.rows().await.grants.into_iter();
    let source = RoleGrant::source_of(ISSUER);
    let mut grants: Vec<String> = grants
        .map(|grant| match grant.source == source {
            true => grant.role,
            false => format!("{} by {}", grant.role, grant.source),
        })
        .collect();
    grants.sort_unstable();
    grants
}

async fn events(store: &Store) -> Vec<String> {
    let events = store.rows().await.events.into_iter();
    events.map(|event| event.event).collect()
}

pub(crate) async fn listed_roles_replace_those_of_older_tokens(store: &Store) {
    let created = ana(1_000, ["editor", "viewer"]).build();
    store.provision(&created).await.unwrap();
    assert_eq!(grants(store).await, ["editor", "viewer"]);

    let newer = ana(2_000, ["admin", "viewer"]).build();
    let updated = store.provision(&newer).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert_eq!(updated.user().roles, ["admin", "viewer"]);
    assert_eq!(grants(store).await, ["admin", "viewer"]);
    assert_eq!(events(store).await, ["created", "roles_synchronised"]);
    let rows = store.rows().await;
    assert_eq!(rows.identities[0].roles_issued_at, Some(2_000));

    let found = store.provision(&newer).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn an_empty_list_removes_the_roles(store: &Store) {
    let created = store.provision(&ana(1_000, ["editor"]).build()).await;
    store
        .grant(created.unwrap().user(), "auditor", "manual")
        .await;
    let demoted = store.provision(&ana(2_000, []).build()).await.unwrap();
    assert_eq!(demoted.outcome(), Outcome::Updated);
    assert_eq!(demoted.user().roles, ["auditor"]);
    assert_eq!(grants(store).await, ["auditor by manual"]);
}

pub(crate) async fn absent_and_truncated_roles_change_no_grant(store: &Store) {
    store
        .provision(&ana(1_000, ["editor"]).build())
        .await
        .unwrap();
    let rows = store.rows().await;

    let silent = person("ana").with_issued_at(2_000).build();
    let found = store.provision(&silent).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert!(found.user().roles.is_empty(), "what it does not say");

    let overage = person("ana").with_issued_at(3_000).with_truncated_roles();
    let found = store.provision(&overage.build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().roles, ["editor"], "the last that were stated");
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn manual_grants_and_grants_of_other_issuers_are_kept(store: &Store) {
    let owner = store.insert(password_user("ana@example.com")).await;
    let linking = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let linked = |identity: TestIdentity| {
        identity
            .with_vouched_email("ana@example.com")
            .with_policy(linking.clone())
            .build()
    };
    let other = TestIdentity::new(OTHER, "ana").with_issued_at(1_000);
    let other = linked(other.with_roles(["billing", "editor"]));
    store.provision(&other).await.unwrap();
    let created = store.provision(&linked(ana(1_000, ["editor"]))).await;
    let created = created.unwrap();
    assert_eq!(created.user().id, owner.id);
    store.grant(created.user(), "editor", "manual").await;

    let demoted = store.provision(&linked(ana(2_000, []))).await.unwrap();
    assert_eq!(demoted.user().roles, ["editor"], "the operator's");
    let theirs = RoleGrant::source_of(OTHER);
    let kept = ["billing", "editor"].map(|role| format!("{role} by {theirs}"));
    let mut expected = vec![kept[0].clone(), kept[1].clone()];
    expected.push("editor by manual".to_owned());
    expected.sort_unstable();
    assert_eq!(grants(store).await, expected);
}

pub(crate) async fn older_equal_and_undated_tokens_store_no_roles(store: &Store) {
    store
        .provision(&ana(1_000, ["editor"]).build())
        .await
        .unwrap();
    store
        .provision(&ana(2_000, ["viewer"]).build())
        .await
        .unwrap();
    let rows = store.rows().await;
    let undated = person("ana").with_roles(["admin"]);
    for identity in [
        ana(1_000, ["editor"]),
        ana(1_999, ["admin"]),
        ana(2_000, ["admin"]),
        ana(2_000, []),
        undated,
    ] {
        let identity = identity.build();
        let found = store.provision(&identity).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        // A token's roles apply to its own requests until it expires.
        assert_eq!(found.user().roles, identity.roles().as_slice());
        assert_eq!(store.rows().await, rows);
    }
}

pub(crate) async fn concurrent_tokens_leave_the_roles_of_the_newest(store: &Store) {
    store
        .provision(&ana(1_000, ["editor"]).build())
        .await
        .unwrap();
    let provisioner = store.provisioner();
    let tokens = (1..=20).map(|age| {
        let role = format!("role-{age}");
        person("ana")
            .with_issued_at(1_000 + age)
            .with_roles([role])
            .build()
    });
    for (age, answer) in (1..).zip(at_once(&provisioner, tokens).await) {
        assert_eq!(answer.unwrap().user().roles, [format!("role-{age}")]);
    }
    assert_eq!(grants(store).await, ["role-20"]);
    let rows = store.rows().await;
    assert_eq!(rows.identities[0].roles_issued_at, Some(1_020));
}

/// On MariaDB, deleting the grants of a user without grants locks the gap into which others insert
/// theirs.
pub(crate) async fn roles_of_many_users_change_concurrently(store: &Store) {
    let provisioner = store.provisioner();
    let everybody = |issued_at, roles: &'static [&'static str]| {
        (0..40).map(move |number| {
            let user = person(&format!("user{number}")).with_issued_at(issued_at);
            user.with_roles(roles.iter().copied()).build()
        })
    };
    for answer in at_once(&provisioner, everybody(1_000, &[])).await {
        answer.unwrap();
    }
    for (issued_at, roles) in [
        (2_000, ["editor", "viewer"].as_slice()),
        (3_000, &["admin"]),
        (4_000, &[]),
        (5_000, &["admin", "editor", "viewer"]),
    ] {
        for answer in at_once(&provisioner, everybody(issued_at, roles)).await {
            assert_eq!(answer.unwrap().outcome(), Outcome::Updated);
        }
        assert_eq!(grants(store).await.len(), 40 * roles.len());
    }
}

/// The sync holds the identity and waits for the old grant, which is held by another transaction
/// that then waits for the identity. The database aborts the sync: its wait began first, and it
/// wrote less.
pub(crate) async fn a_sync_aborted_by_a_deadlock_is_retried(store: &Store) {
    let created = ana(1_000, ["editor"]).build();
    let user = store.provision(&created).await.unwrap().user().id;
    let connection = store.connect(1).await.unwrap();
    let other = connection.begin().await.unwrap();
    let bystanders = (0..20).map(|_| users::Model::new("").into_active_model().reset_all());
    let inserted = users::Entity::insert_many(bystanders);
    inserted.exec_without_returning(&other).await.unwrap();
    let held = role_grants::Entity::find().lock_exclusive();
    assert_eq!(held.all(&other).await.unwrap().len(), 1);

    let _ = store.statements();
    let provisioner = store.provisioner();
    let newer = ana(2_000, ["viewer"]).build();
    let call = tokio::spawn(async move { provisioner.provision(&newer).await });
    // The user is read, the token recorded, the grants read; deleting the old grant is next.
    store.statements_answered(3).await;
    a_wait_has_begun(store).await;
    let crossing = user_identities::Entity::update_many()
        .col_expr(user_identities::Column::Kind, Expr::value("human"))
        .filter(user_identities::Column::UserId.eq(user));
    crossing.exec(&other).await.expect("the sync is aborted");
    other.rollback().await.unwrap();

    let updated = call.await.unwrap().unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert_eq!(updated.user().roles, ["viewer"]);
    let noted = store.statements().verbs();
    let noted = noted.iter().filter(|it| *it == "UPDATE user_identities");
    assert_eq!(noted.count(), 2, "there was no deadlock");
    assert_eq!(grants(store).await, ["viewer"]);
    assert_eq!(events(store).await, ["created", "roles_synchronised"]);
    let rows = store.rows().await;
    assert_eq!(rows.identities[0].roles_issued_at, Some(2_000));
}

/// Waits until a statement waits for a lock. Only PostgreSQL needs it: it aborts the transaction
/// that began to wait first. The other databases abort the transaction that wrote less.
async fn a_wait_has_begun(store: &Store) {
    if !matches!(store.backend, Backend::Postgres(_)) {
        return;
    }
    let waiting = "SELECT 1 FROM pg_stat_activity \
         WHERE datname = current_database() AND wait_event_type = 'Lock'";
    let waiting = Statement::from_string(DbBackend::Postgres, waiting);
    let begun = async {
        let ask = || store.db.query_one_raw(waiting.clone());
        while ask().await.unwrap().is_none() {
            tokio::task::yield_now().await;
        }
    };
    timeout(PATIENCE, begun)
        .await
        .expect("no statement waits for a lock");
}

pub(crate) async fn a_demotion_is_stored_although_the_profile_cannot_be(store: &Store) {
    let provisioner = store.provisioner();
    let created = ana(1_000, ["admin"]).with_full_name("Ana").build();
    provisioner.provision(&created).await.unwrap();
    store.refuse_updates_of_users().await;

    let demoted = ana(2_000, ["viewer"]).with_full_name("Ana Lind").build();
    let updated = provisioner.provision(&demoted).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert_eq!(updated.user().roles, ["viewer"]);
    assert_eq!(updated.user().full_name.as_deref(), Some("Ana"));
    assert_eq!(grants(store).await, ["viewer"]);
    assert_eq!(events(store).await, ["created", "roles_synchronised"]);
}

pub(crate) async fn roles_that_cannot_be_stored_fail_the_request(store: &Store) {
    store
        .provision(&ana(1_000, ["admin"]).build())
        .await
        .unwrap();
    let hide = "ALTER TABLE user_events RENAME TO hidden_events";
    store.db.execute_unprepared(hide).await.unwrap();
    let demoted = ana(2_000, []).build();
    let failed = store.provision(&demoted).await;
    assert_eq!(failed.map_err(|it| it.reason()).err(), Some("store"));

    let show = "ALTER TABLE hidden_events RENAME TO user_events";
    store.db.execute_unprepared(show).await.unwrap();
    assert_eq!(
        grants(store).await,
        ["admin"],
        "the failed change is rolled back"
    );
    let updated = store.provision(&demoted).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated);
    assert!(grants(store).await.is_empty());
}
