//! Number of statements that requests execute.

use tower_jit_provisioning::{IssuerPolicy, Outcome, testing::TestIdentity};

use crate::fixture::{Store, person};

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

pub(crate) async fn the_most_expensive_first_login_costs_five_reads_and_its_transaction(
    store: &Store,
) {
    store.provision(&ana(1_000).build()).await.unwrap();
    assert_eq!(
        store.statements().verbs(),
        [
            "SELECT users",
            "SELECT link_tickets",
            "SELECT users",
            // The policy's limits: in total, and in the last minute.
            "SELECT (SELECT",
            "SELECT (SELECT",
            "INSERT users",
            "INSERT user_identities",
            "INSERT role_grants",
            "INSERT user_events",
        ]
    );
}

pub(crate) async fn a_newer_token_with_unchanged_claims_writes_nothing(store: &Store) {
    store.provision(&ana(1_000).build()).await.unwrap();
    let (rows, _) = (store.rows().await, store.statements());
    for issued_at in [1_000, 2_000, 3_000] {
        let found = store.provision(&ana(issued_at).build()).await.unwrap();
        assert_eq!(found.outcome(), Outcome::Found);
        assert_eq!(store.statements().verbs(), ["SELECT users"]);
    }
    assert_eq!(store.rows().await, rows);
}

pub(crate) async fn a_newer_token_costs_statements_for_its_changes_only(store: &Store) {
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
