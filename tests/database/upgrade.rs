//! From the tables as they were first released to those of this version, with people in them.

use sea_orm::{
    ConnectionTrait, DynIden, Value,
    sea_query::{Alias, Expr, IntoIden, Query},
};
use sea_orm_migration::{MigrationTrait, MigratorTrait};
use time::{Duration, PrimitiveDateTime};
use tower_jit_provisioning::{
    IdentityKey, IssuerPolicy, Linking, Outcome,
    provisioner::RoleGrant,
    sea_orm::{
        entity::{now, users},
        issuer_key, migration,
    },
};
use uuid::Uuid;

use crate::{
    common::setup::password_user,
    fixture::{ISSUER, Store, person},
};

fn first_release() -> Vec<Box<dyn MigrationTrait>> {
    vec![
        Box::new(migration::CreateUsers::default()),
        Box::new(migration::CreateUserIdentities::default()),
        Box::new(migration::CreateRoleGrants::default()),
        Box::new(migration::CreateUserEvents::default()),
    ]
}

/// What `migration::run` was in the first release.
struct FirstRun;

impl MigratorTrait for FirstRun {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        first_release()
    }

    fn migration_table_name() -> DynIden {
        Alias::new("tower_jit_provisioning_migrations").into_iden()
    }
}

/// An application that spliced the first release in, one by one.
struct Application;

impl MigratorTrait for Application {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        first_release()
    }
}

/// The same application, with this release.
struct UpgradedApplication;

impl MigratorTrait for UpgradedApplication {
    fn migrations() -> Vec<Box<dyn MigrationTrait>> {
        let mut migrations = first_release();
        migrations.extend(migration::all().into_iter().skip(4));
        migrations
    }
}

/// Long ago, to the microsecond.
fn then() -> PrimitiveDateTime {
    now() - Duration::days(400)
}

async fn insert<const N: usize>(store: &Store, table: &str, row: [(&str, Value); N]) {
    let (columns, values): (Vec<_>, Vec<_>) = row.into_iter().unzip();
    let insert = Query::insert()
        .into_table(Alias::new(table))
        .columns(columns.into_iter().map(Alias::new))
        .values_panic(values.into_iter().map(Expr::value))
        .to_owned();
    store.db.execute(&insert).await.unwrap();
}

/// Inserts what the first release had of a user.
async fn insert_user(store: &Store, user: &users::Model) {
    let row = [
        ("id", user.id.into()),
        ("tenant", user.tenant.clone().into()),
        ("email", user.email.clone().into()),
        ("email_key", user.email_key.clone().into()),
        ("email_verified_by", user.email_verified_by.clone().into()),
        ("full_name", user.full_name.clone().into()),
        ("username", user.username.clone().into()),
        ("hashed_password", user.hashed_password.clone().into()),
        ("status", user.status.clone().into()),
        ("tokens_valid_after", user.tokens_valid_after.into()),
        ("created_at", user.created_at.into()),
        ("updated_at", user.updated_at.into()),
        ("last_seen_at", user.last_seen_at.into()),
    ];
    insert(store, "users", row).await;
}

/// Inserts an identity, its event, and a grant of each source; returns the key.
async fn insert_identity(
    store: &Store,
    user: &users::Model,
    issuer: &str,
    subject: &str,
) -> String {
    let key = IdentityKey::new("", issuer, subject).to_string();
    let owner = || {
        [
            ("id", Uuid::now_v7().into()),
            ("tenant", "".into()),
            ("user_id", user.id.into()),
        ]
    };
    let [id, tenant, user_id] = owner();
    let identity = [
        id,
        tenant,
        user_id,
        ("identity_key", key.clone().into()),
        ("issuer_key", issuer_key(issuer).into()),
        ("issuer", issuer.into()),
        ("subject", subject.into()),
        ("kind", "human".into()),
        ("created_at", then().into()),
    ];
    insert(store, "user_identities", identity).await;
    let [id, tenant, user_id] = owner();
    let event = [
        id,
        tenant,
        user_id,
        ("identity_key", key.clone().into()),
        ("event", "created".into()),
        ("created_at", then().into()),
    ];
    insert(store, "user_events", event).await;
    for (role, source) in [
        ("auditor", RoleGrant::MANUAL),
        ("editor", &RoleGrant::source_of(issuer)),
    ] {
        let [id, tenant, user_id] = owner();
        let grant = [
            id,
            tenant,
            user_id,
            ("role", format!("{role} of {subject}").into()),
            ("source", source.into()),
            ("created_at", then().into()),
        ];
        insert(store, "role_grants", grant).await;
    }
    key
}

/// Everybody the first release knew, as this one should have them.
async fn insert_people(store: &Store) -> Vec<users::Model> {
    let blank = || users::Model {
        created_at: then(),
        updated_at: then(),
        ..users::Model::new("")
    };
    let mut jit = users::Model {
        full_name: Some("Ana \u{1f600}".to_owned()),
        last_seen_at: Some(now()),
        ..blank()
    };
    let mut twice = blank();
    let password = password_user("bo@example.com");
    let linked = password_user("cy@example.com");
    let mut revoked = users::Model {
        tokens_valid_after: Some(now()),
        status: "deactivated".to_owned(),
        ..blank()
    };
    let nobodys = blank();
    for user in [&jit, &twice, &password, &linked, &revoked, &nobodys] {
        insert_user(store, user).await;
    }
    // Whoever came by an issuer alone has the profile from there, and nobody else.
    jit.profile_key = Some(insert_identity(store, &jit, ISSUER, "ana").await);
    let keys = [
        insert_identity(store, &twice, ISSUER, "di").await,
        insert_identity(store, &twice, "https://other.example", "dee").await,
    ];
    twice.profile_key = keys.into_iter().min();
    insert_identity(store, &linked, ISSUER, "cy").await;
    revoked.profile_key = Some(insert_identity(store, &revoked, ISSUER, "eve").await);
    let mut people = vec![jit, twice, password, linked, revoked, nobodys];
    people.sort_by_key(|user| user.id);
    people
}

/// Every row is there, with what the first release wrote, and new columns with their defaults.
async fn assert_kept(store: &Store, people: &[users::Model]) {
    let rows = store.rows().await;
    assert_eq!(rows.users, people);
    assert_eq!(
        (rows.identities.len(), rows.events.len(), rows.grants.len()),
        (5, 5, 10)
    );
    for identity in &rows.identities {
        assert_eq!(identity.subject_strategy, "");
        assert_eq!(identity.roles_issued_at, None);
        assert_eq!(identity.profile_issued_at, None);
        assert_eq!(identity.profile_digest, None);
        let key = IdentityKey::new("", &identity.issuer, &identity.subject);
        assert_eq!(identity.identity_key, key.to_string());
        assert!(identity.created_at < now() - Duration::days(399));
    }
    for event in &rows.events {
        assert_eq!((&event.actor, &event.detail), (&None, &None));
    }
}

async fn assert_provisioning_goes_on(store: &Store, people: &[users::Model]) {
    let ana = |name| person("ana").with_issued_at(i64::MAX).with_full_name(name);
    let updated = store.provision(&ana("Ana Lind").build()).await.unwrap();
    assert_eq!(updated.outcome(), Outcome::Updated, "whose profile it is");
    assert_eq!(updated.user().full_name.as_deref(), Some("Ana Lind"));
    assert_eq!(updated.user().roles, ["auditor of ana"]);
    let cy = person("cy")
        .with_issued_at(i64::MAX)
        .with_full_name("Cyprian");
    let found = store.provision(&cy.build()).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    assert_eq!(found.user().full_name.as_deref(), Some("Ana Lind"));
    let eve = store.provision(&person("eve").build()).await;
    assert_eq!(eve.map_err(|it| it.reason()).err(), Some("deactivated"));

    let policy = IssuerPolicy::new().with_linking(Linking::VerifiedEmail);
    let bo = person("bo")
        .with_vouched_email("bo@example.com")
        .with_policy(policy);
    let linked = store.provision(&bo.build()).await.unwrap();
    assert_eq!(linked.outcome(), Outcome::Linked);
    let user = people
        .iter()
        .find(|user| user.id == linked.user().id)
        .unwrap();
    assert_eq!(user.email.as_deref(), Some("bo@example.com"));
    let stranger = store.provision(&person("fay").build()).await.unwrap();
    assert_eq!(stranger.outcome(), Outcome::Created);
}

pub(crate) async fn the_first_releases_rows_are_kept(store: &Store) {
    FirstRun::up(&store.db, None).await.unwrap();
    let people = insert_people(store).await;
    for _ in 0..2 {
        migration::run(&store.db).await.unwrap();
        assert_kept(store, &people).await;
    }
    assert_provisioning_goes_on(store, &people).await;
}

pub(crate) async fn an_applications_migrator_takes_the_new_ones(store: &Store) {
    Application::up(&store.db, None).await.unwrap();
    let people = insert_people(store).await;
    for _ in 0..2 {
        migration::run_migrator::<UpgradedApplication>(&store.db)
            .await
            .unwrap();
        assert_kept(store, &people).await;
    }
    assert_provisioning_goes_on(store, &people).await;
}

pub(crate) async fn the_runner_leaves_an_applications_tables_alone(store: &Store) {
    UpgradedApplication::up(&store.db, None).await.unwrap();
    let ana = person("ana").with_roles(["editor"]).build();
    store.provision(&ana).await.unwrap();
    let before = store.rows().await;
    let refused = migration::run(&store.db).await;
    assert!(refused.is_err(), "it cannot know of tables it has not made");
    assert_eq!(store.rows().await, before);
    let found = store.provision(&ana).await.unwrap();
    assert_eq!(found.outcome(), Outcome::Found);
    let pending = UpgradedApplication::get_pending_migrations(&store.db).await;
    assert!(pending.unwrap().is_empty());
}
