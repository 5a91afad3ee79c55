//! Changes by the directory invalidate a cache over the same users.

use std::time::Duration;

use tokio::time::timeout;
use tower_jit_provisioning::{
    CachedProvisioner, Identity, IssuerPolicy, ProvisionError, Provisioner, SignUp,
    sea_orm::{
        SeaOrmProvisioner,
        directory::{NewIdentity, Relink, UserDirectory},
        entity::users,
    },
};
use uuid::Uuid;

use super::{PATIENCE, dropped_once_started};
use crate::fixture::{ISSUER, Store, person};

type Users = CachedProvisioner<SeaOrmProvisioner>;

fn remembered(store: &Store) -> (Users, UserDirectory) {
    let users = CachedProvisioner::new(store.provisioner()).with_ttl(Duration::from_secs(3600));
    let directory = users.directory().acting_as("root").with_deadline(PATIENCE);
    (users, directory)
}

async fn remember(users: &Users, identity: &Identity) -> Uuid {
    let id = users.provision(identity).await.unwrap().user().id;
    assert!(users.cached(identity).is_some(), "not remembered");
    id
}

async fn reason(users: &Users, identity: &Identity) -> Option<&'static str> {
    let refused = users.provision(identity).await;
    refused.map_err(|error| error.reason()).err()
}

pub(crate) async fn a_deactivation_takes_effect_at_the_next_request(store: &Store) {
    let (users, directory) = remembered(store);
    let [ana, bo] = [person("ana").build(), person("bo").build()];
    let id = remember(&users, &ana).await;
    remember(&users, &bo).await;
    directory.deactivate(&[id], "left").await.unwrap();
    assert!(users.cached(&ana).is_none());
    assert_eq!(reason(&users, &ana).await, Some("deactivated"));
    // Refusals are cached briefly too, and invalidated likewise.
    directory.reactivate(&[id], "").await.unwrap();
    assert_eq!(reason(&users, &ana).await, Some("revoked"));
    assert!(
        users.cached(&bo).is_some(),
        "an untouched user was removed from the cache"
    );
}

pub(crate) async fn every_change_is_followed_by_an_invalidation(store: &Store) {
    let (users, directory) = remembered(store);
    let ana = person("ana").build();
    let id = remember(&users, &ana).await;
    directory.grant_role(&[id], "editor").await.unwrap();
    assert!(users.cached(&ana).is_none());
    assert_eq!(
        users.provision(&ana).await.unwrap().user().roles,
        ["editor"]
    );

    let relink = Relink::new(ISSUER, "https://new.example.com");
    directory.clone().dry_run().relink(&relink).await.unwrap();
    assert!(users.cached(&ana).is_some(), "a dry run invalidated");
    directory.relink(&relink).await.unwrap();
    assert!(users.cached(&ana).is_none());

    let bo = person("bo").build();
    let id = remember(&users, &bo).await;
    directory.erase(&[id], "").await.unwrap();
    assert_eq!(reason(&users, &bo).await, Some("deleted"));
}

pub(crate) async fn a_dropped_call_still_invalidates(store: &Store) {
    let (users, directory) = remembered(store);
    let ana = person("ana").build();
    let id = remember(&users, &ana).await;
    let blocker = store.block_writes().await;
    dropped_once_started(directory.deactivate(&[id], "left")).await;
    blocker.close().await.unwrap();
    let forgotten = async {
        while users.cached(&ana).is_some() {
            tokio::task::yield_now().await
        }
    };
    assert!(timeout(PATIENCE, forgotten).await.is_ok());
    assert_eq!(reason(&users, &ana).await, Some("deactivated"));
}

pub(crate) async fn a_newly_linked_user_is_served_at_once(store: &Store) {
    let (users, directory) = remembered(store);
    let user = store.insert(users::Model::new("")).await;
    let closed = IssuerPolicy::new().with_sign_up(SignUp::Closed);
    let ana = person("ana").with_policy(closed).build();
    assert!(matches!(
        users.provision(&ana).await,
        Err(ProvisionError::Denied(_))
    ));
    directory
        .link(user.id, NewIdentity::new(ISSUER, "ana"))
        .await
        .unwrap();
    assert_eq!(users.provision(&ana).await.unwrap().user().id, user.id);
}
