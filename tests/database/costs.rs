//! What requests cost, in statements and in plans.

use std::sync::{Arc, Mutex};

use sea_orm::{ConnectionTrait, EntityTrait, IntoActiveModel, QueryResult, Statement};
use tower_jit_provisioning::{
    IssuerPolicy, Outcome, Provisioner,
    provisioner::RoleGrant,
    sea_orm::{
        SeaOrmProvisioner,
        entity::{now, role_grants, user_identities, users},
        issuer_key,
    },
    testing::TestIdentity,
};
use uuid::Uuid;

use crate::{
    common::database::Backend,
    fixture::{ISSUER, Store, person},
};

/// How many other users there are when a plan is asked for.
const CROWD: usize = 1_000;

fn ana(issued_at: i64) -> TestIdentity {
    let policy = IssuerPolicy::new()
        .with_max_users(1_000_000)
        .with_max_sign_ups_per_minute(1_000);
    person("ana")
        .with_vouched_email("ana@example.com")
        .with_full_name("Ana Lind")
        .with_username("ana")
        .with_roles(["editor", "viewer"])
        .with_issued_at(issued_at)
        .with_policy(policy)
}

pub(crate) async fn the_dearest_first_login_costs_four_reads_and_its_transaction(store: &Store) {
    store.provision(&ana(1_000).build()).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "SELECT link_tickets",
            "SELECT users",
            // The policy's limits.
            "SELECT user_identities",
            "INSERT users",
            "INSERT user_identities",
            "INSERT role_grants",
            "INSERT user_events",
        ]
    );
}

pub(crate) async fn a_newer_token_that_says_the_same_writes_nothing(store: &Store) {
    store.provision(&ana(1_000).build()).await.unwrap();
    let (rows, _) = (store.rows().await, store.statements());
    for issued_at in [1_000, 2_000, 3_000] {
        let found = store.provision(&ana(issued_at).build()).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(store.statements().verbs(), ["SELECT users"]);
    }
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn a_newer_token_costs_what_it_changes(store: &Store) {
    store.provision(&ana(1_000).build()).await.unwrap();
    let _ = store.statements();
    let roles = ana(2_000).with_roles(["admin"]).build();
    store.provision(&roles).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "UPDATE user_identities",
            "SELECT role_grants",
            "DELETE role_grants",
            "INSERT role_grants",
            "INSERT user_events",
        ]
    );
    let name = ana(3_000).with_roles(["admin"]).with_full_name("Ana");
    store.provision(&name.build()).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "UPDATE user_identities",
            "SELECT users",
            "UPDATE users",
            "INSERT user_events",
        ]
    );
}

pub(crate) async fn the_hot_read_goes_through_indexes_only(store: &Store) {
    crowd(store).await;
    let mut db = store.db.clone();
    let hot = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&hot);
    db.set_metric_callback(move |info| seen.lock().unwrap().push(info.statement.to_string()));
    let provisioner = SeaOrmProvisioner::new(db);
    for _ in 0..2 {
        let ana = ana(1_000).with_policy(IssuerPolicy::new()).build();
        provisioner.provision(&ana).await.unwrap();
    }
    let hot = hot.lock().unwrap().pop().unwrap();
    assert!(hot.starts_with("SELECT"), "{hot}");
    assert!(!hot.contains("LIMIT"), "SQLite prepares it again each time");
    let plan = explain(store, &hot).await;
    let through_the_key = match store.backend {
        Backend::Mysql(_) => "user_identities const uq_user_identities_key",
        Backend::Postgres(_) => "uq_user_identities_key",
        Backend::Sqlite => "SEARCH user_identities USING INDEX uq_user_identities_key",
    };
    assert!(plan.contains(through_the_key), "{plan}");
    let scans: &[&str] = match store.backend {
        // `type`: the whole table, or the whole index.
        Backend::Mysql(_) => &[" ALL ", " index "],
        Backend::Postgres(_) => &["Seq Scan"],
        Backend::Sqlite => &["SCAN"],
    };
    assert!(!scans.iter().any(|scan| plan.contains(scan)), "{plan}");
    println!("{plan}");
}

async fn explain(store: &Store, sql: &str) -> String {
    let (explain, line): (_, fn(&QueryResult) -> String) = match store.backend {
        Backend::Mysql(_) => ("EXPLAIN", |row| {
            let [table, access, key] = ["table", "type", "key"]
                .map(|column| row.try_get::<Option<String>>("", column).unwrap());
            let [table, access, key] = [table, access, key].map(Option::unwrap_or_default);
            format!("{table} {access} {key} ")
        }),
        Backend::Postgres(_) => ("EXPLAIN", |row| row.try_get("", "QUERY PLAN").unwrap()),
        Backend::Sqlite => ("EXPLAIN QUERY PLAN", |row| {
            row.try_get("", "detail").unwrap()
        }),
    };
    let backend = store.db.get_database_backend();
    let statement = Statement::from_string(backend, format!("{explain} {sql}"));
    let rows = store.db.query_all_raw(statement).await.unwrap();
    rows.iter().map(line).collect::<Vec<_>>().join("\n")
}

/// Fills the tables, and updates the planner's statistics.
async fn crowd(store: &Store) {
    let (mut people, mut identities, mut grants) = (Vec::new(), Vec::new(), Vec::new());
    for number in 0..CROWD {
        let user = users::Model::new("");
        let identity = person(&format!("user{number}")).build();
        identities.push(user_identities::Model {
            id: Uuid::now_v7(),
            tenant: String::new(),
            user_id: user.id,
            identity_key: identity.key().to_string(),
            issuer_key: issuer_key(ISSUER),
            issuer: ISSUER.to_owned(),
            subject: identity.subject().to_owned(),
            subject_strategy: "/sub".to_owned(),
            kind: "human".to_owned(),
            roles_issued_at: None,
            profile_issued_at: None,
            profile_digest: None,
            created_at: now(),
        });
        for role in ["editor", "viewer"] {
            grants.push(role_grants::Model {
                id: Uuid::now_v7(),
                tenant: String::new(),
                user_id: user.id,
                role: role.to_owned(),
                source: RoleGrant::source_of(ISSUER),
                created_at: now(),
            });
        }
        people.push(user);
    }
    fill::<users::Entity>(store, people).await;
    fill::<user_identities::Entity>(store, identities).await;
    fill::<role_grants::Entity>(store, grants).await;
    let analyze = match store.backend {
        Backend::Mysql(_) => "ANALYZE TABLE users, user_identities, role_grants",
        Backend::Postgres(_) | Backend::Sqlite => "ANALYZE",
    };
    store.db.execute_unprepared(analyze).await.unwrap();
}

async fn fill<E: EntityTrait>(store: &Store, rows: Vec<E::Model>)
where
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
    use sea_orm::ActiveModelTrait;

    let mut rows = rows
        .into_iter()
        .map(|row| row.into_active_model().reset_all());
    loop {
        let some: Vec<_> = rows.by_ref().take(500).collect();
        if some.is_empty() {
            return;
        }
        let insert = E::insert_many(some).exec_without_returning(&store.db);
        insert.await.unwrap();
    }
}
