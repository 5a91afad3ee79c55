//! Operations of the directory, on every database.

pub(crate) mod administrators;
pub(crate) mod caches;
pub(crate) mod edits;
pub(crate) mod grants;
pub(crate) mod idle;
pub(crate) mod imports;
pub(crate) mod links;
pub(crate) mod lists;
pub(crate) mod reading;
pub(crate) mod relinking;
pub(crate) mod removal;
pub(crate) mod status;

use std::{future::poll_fn, pin::pin, task::Poll, time::Duration};

use sea_orm::{ActiveModelTrait, EntityTrait, IntoActiveModel};
use tower_jit_provisioning::sea_orm::{
    directory::{Effect, Report, UserDirectory},
    entity::{now, role_grants, user_identities, users},
    issuer_key,
};
use tower_jit_provisioning::{IdentityKey, UserStatus};
use uuid::Uuid;

use crate::fixture::Store;

/// Timeout for slow machines.
const PATIENCE: Duration = Duration::from_secs(30);

fn directory(store: &Store) -> UserDirectory {
    let directory = store.provisioner().directory();
    directory.acting_as("root").with_deadline(PATIENCE)
}

/// Starts a call and drops it before it completes, as a disconnecting client does.
async fn dropped_once_started<T>(call: impl Future<Output = T>) {
    let mut call = pin!(call);
    poll_fn(|context| {
        assert!(call.as_mut().poll(context).is_pending());
        Poll::Ready(())
    })
    .await;
}

fn effects(report: &Report) -> Vec<Effect> {
    report.entries().iter().map(|entry| entry.effect).collect()
}

fn named(name: &str) -> users::Model {
    users::Model {
        full_name: Some(name.to_owned()),
        ..users::Model::new("")
    }
}

/// Inserts this many users in one statement, and returns their ids in order.
async fn many(store: &Store, count: usize) -> Vec<Uuid> {
    let rows: Vec<users::Model> = (0..count)
        .map(|number| named(&format!("user {number}")))
        .collect();
    let ids = rows.iter().map(|row| row.id).collect();
    let rows = rows
        .into_iter()
        .map(|row| row.into_active_model().reset_all());
    let inserted = users::Entity::insert_many(rows).exec_without_returning(&store.db);
    inserted.await.unwrap();
    ids
}

async fn with_status(store: &Store, status: &str) -> Uuid {
    let user = users::Model {
        status: status.to_owned(),
        ..users::Model::new("")
    };
    store.insert(user).await.id
}

async fn with_grant(store: &Store, role: &str, source: &str) -> Uuid {
    let user = store.insert(users::Model::new("")).await.id;
    grant(store, user, role, source).await;
    user
}

async fn grant(store: &Store, user: Uuid, role: &str, source: &str) {
    let grant = role_grants::Model {
        id: Uuid::now_v7(),
        tenant: String::new(),
        user_id: user,
        role: role.to_owned(),
        source: source.to_owned(),
        created_at: now(),
    };
    let row = grant.into_active_model().reset_all();
    row.insert(&store.db).await.unwrap();
}

async fn identify(store: &Store, user: &users::Model, issuer: &str, subject: &str, kind: &str) {
    let identity = user_identities::Model {
        id: Uuid::now_v7(),
        tenant: user.tenant.clone(),
        user_id: user.id,
        identity_key: IdentityKey::new(&user.tenant, issuer, subject).to_string(),
        issuer_key: issuer_key(issuer),
        issuer: issuer.to_owned(),
        subject: subject.to_owned(),
        subject_strategy: "/sub".to_owned(),
        kind: kind.to_owned(),
        roles_issued_at: None,
        profile_issued_at: None,
        profile_digest: None,
        created_at: now(),
    };
    let row = identity.into_active_model().reset_all();
    row.insert(&store.db).await.unwrap();
}

async fn status(store: &Store, user: Uuid) -> Option<UserStatus> {
    UserStatus::parse(&store.user(user).await.status)
}
