//! Tables with enough rows that a planner has a reason to use an index.

use sea_orm::{ActiveModelTrait, ConnectionTrait, EntityTrait, IntoActiveModel};
use tower_jit_provisioning::{
    Email, IdentityKey,
    provisioner::RoleGrant,
    sea_orm::{
        entity::{link_tickets, now, role_grants, user_events, user_identities, users},
        issuer_key,
    },
};
use uuid::Uuid;

use crate::{common::database::Backend, fixture::Store};

/// Number of users, and of identities, events and tickets.
const CROWD: usize = 10_000;

/// Number of users of the other tenants, and number of these tenants.
const NEIGHBOURS: usize = 5_000;
const TENANTS: usize = 50;

/// Number of issuers, with equally many users each.
const ISSUERS: usize = 10;

/// Number of users with the auditor role granted by an operator.
const AUDITORS: usize = 20;

/// A role that few users hold.
pub(super) const AUDITOR: &str = "auditor";

/// An operator with few events.
pub(super) const ACTOR: &str = "operator 1";

/// A user who was seen today.
pub(super) const MEMBER: usize = 5_000;

/// A user who was deactivated.
pub(super) const DEACTIVATED: usize = 6_000;

pub(super) fn subject(number: usize) -> String {
    format!("user{number}")
}

pub(super) fn issuer(number: usize) -> String {
    format!("https://id{}.example.com", number % ISSUERS)
}

pub(super) fn address(number: usize) -> String {
    format!("user{number}@example.com")
}

/// The ids of the users, by number.
pub(super) struct Crowd {
    pub(super) ids: Vec<Uuid>,
    pub(super) auditors: Vec<Uuid>,
}

impl Crowd {
    /// Fills the tables, and updates the statistics that the planner reads.
    pub(super) async fn fill(store: &Store) -> Self {
        let people: Vec<_> = (0..CROWD).map(user).collect();
        let ids: Vec<Uuid> = people.iter().map(|user| user.id).collect();
        fill::<users::Entity>(store, people).await;
        let numbered = || ids.iter().copied().enumerate();
        let identities = numbered().map(|(number, id)| identity(number, id));
        fill::<user_identities::Entity>(store, identities.collect()).await;
        let grants = numbered().flat_map(|(number, id)| grants(number, id));
        fill::<role_grants::Entity>(store, grants.collect()).await;
        let events = numbered().map(|(number, id)| event(number, id));
        fill::<user_events::Entity>(store, events.collect()).await;
        let neighbours: Vec<_> = (0..NEIGHBOURS)
            .map(|number| users::Model::new(format!("tenant {}", number % TENANTS)))
            .collect();
        let events = neighbours.iter().map(|user| user_events::Model {
            tenant: user.tenant.clone(),
            ..event(0, user.id)
        });
        fill::<user_events::Entity>(store, events.collect()).await;
        fill::<users::Entity>(store, neighbours).await;
        let tickets = numbered().map(|(number, id)| ticket(number, id));
        fill::<link_tickets::Entity>(store, tickets.collect()).await;
        let analyze = match store.backend {
            Backend::Mysql(_) => {
                "ANALYZE TABLE users, user_identities, role_grants, user_events, link_tickets"
            }
            // The same as autovacuum does for a table in use.
            Backend::Postgres(_) => "VACUUM ANALYZE",
            Backend::Sqlite => "ANALYZE",
        };
        store.db.execute_unprepared(analyze).await.unwrap();
        let auditors = ids[10..10 + AUDITORS].to_vec();
        Self { ids, auditors }
    }
}

fn user(number: usize) -> users::Model {
    let email = Email::parse(&address(number)).unwrap();
    let status = match number {
        DEACTIVATED => "deactivated",
        _ if number % 100 == 99 => "pending",
        _ => "active",
    };
    users::Model {
        email: Some(address(number)),
        email_key: Some(email.key("")),
        email_verified_by: Some("mailbox".to_owned()),
        full_name: Some(format!("User {number}")),
        status: status.to_owned(),
        profile_key: Some(identity_key(number)),
        last_seen_at: (number != MEMBER + 1).then(now),
        ..users::Model::new("")
    }
}

fn identity_key(number: usize) -> String {
    IdentityKey::new("", &issuer(number), &subject(number)).to_string()
}

fn identity(number: usize, user_id: Uuid) -> user_identities::Model {
    let long_ago = now() - time::Duration::days(400);
    user_identities::Model {
        id: Uuid::now_v7(),
        tenant: String::new(),
        user_id,
        identity_key: identity_key(number),
        issuer_key: issuer_key(&issuer(number)),
        issuer: issuer(number),
        subject: subject(number),
        subject_strategy: "/sub".to_owned(),
        kind: "human".to_owned(),
        roles_issued_at: None,
        profile_issued_at: None,
        profile_digest: None,
        created_at: long_ago + time::Duration::seconds(number as i64),
    }
}

fn grants(number: usize, user_id: Uuid) -> Vec<role_grants::Model> {
    let source = RoleGrant::source_of(&issuer(number));
    let mut roles = vec![("editor", source.as_str()), ("viewer", source.as_str())];
    if (10..10 + AUDITORS).contains(&number) {
        roles.push((AUDITOR, RoleGrant::MANUAL));
    }
    if number < 10 {
        roles.push(("manager", RoleGrant::MANUAL));
    }
    let grant = |(role, source): (&str, &str)| role_grants::Model {
        id: Uuid::now_v7(),
        tenant: String::new(),
        user_id,
        role: role.to_owned(),
        source: source.to_owned(),
        created_at: now(),
    };
    roles.into_iter().map(grant).collect()
}

fn event(number: usize, user_id: Uuid) -> user_events::Model {
    let (event, actor) = match number % 100 {
        99 => ("approved", Some(format!("operator {}", number % 7))),
        _ => ("created", None),
    };
    user_events::Model {
        id: Uuid::now_v7(),
        tenant: String::new(),
        user_id,
        identity_key: Some(identity_key(number)),
        event: event.to_owned(),
        actor,
        detail: None,
        created_at: now(),
    }
}

/// Returns a ticket; all tickets are used except that of the second user.
fn ticket(number: usize, user_id: Uuid) -> link_tickets::Model {
    let email = Email::parse(&address(number)).unwrap();
    link_tickets::Model {
        id: Uuid::now_v7(),
        tenant: String::new(),
        user_id,
        issuer_key: issuer_key("https://new.example"),
        email_key: email.key(""),
        expires_at: now() + time::Duration::days(1),
        consumed_at: (number != 2).then(now),
        created_at: now(),
    }
}

async fn fill<E: EntityTrait>(store: &Store, rows: Vec<E::Model>)
where
    E::Model: IntoActiveModel<E::ActiveModel>,
    E::ActiveModel: Send,
{
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
