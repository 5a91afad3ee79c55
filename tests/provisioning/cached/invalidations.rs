//! Invalidations and deactivations.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use tower_jit_provisioning::{
    CachedProvisioner, Identity, MemoryProvisioner, ProvisionError, Provisioned, Provisioner,
    UserStatus, provisioner::Standing,
};

use super::store::{Store, ana};

#[tokio::test(start_paused = true)]
async fn an_invalidation_applies_to_entries_and_loads_in_progress() {
    let store = Store::default();
    let users = CachedProvisioner::new(store.clone());
    users.provision(&ana()).await.unwrap();
    users.invalidate(ana().key());
    assert!(users.cached(&ana()).is_none());

    let load = tokio::spawn({
        let users = users.clone();
        async move { users.provision(&ana()).await.is_ok() }
    });
    tokio::task::yield_now().await;
    assert_eq!(store.calls(), 2);
    users.invalidate(ana().key());
    let after = users.provision(&ana()).await.unwrap();
    assert_eq!(
        store.calls(),
        3,
        "no request joins a load that is older than the invalidation"
    );
    assert_eq!(*after.into_parts().0, 2);
    assert!(load.await.unwrap());
    assert_eq!(
        *users.cached(&ana()).unwrap().into_parts().0,
        2,
        "it does not come back"
    );

    users.invalidate_all();
    assert!(users.cached(&ana()).is_none());
}

#[tokio::test(start_paused = true)]
async fn a_deactivation_with_its_invalidation_applies_at_once() {
    let memory = MemoryProvisioner::new();
    let users = CachedProvisioner::new(memory.clone());
    users.provision(&ana()).await.unwrap();
    memory.set_status(ana().key(), UserStatus::Deactivated);
    assert!(users.cached(&ana()).is_some(), "behind the cache's back");
    users.invalidate(ana().key());
    assert!(users.cached(&ana()).is_none());
    assert_eq!(
        users.provision(&ana()).await.unwrap_err().reason(),
        "deactivated"
    );
}

/// A store that returns the version of its user at the time the load began.
struct Versions(AtomicUsize);

#[async_trait]
impl Provisioner for Versions {
    type User = usize;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<usize>, ProvisionError> {
        let version = self.0.load(SeqCst);
        tokio::task::yield_now().await;
        let entry = identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])?;
        Ok(Provisioned::found(version, entry))
    }
}

/// A stress test for a case that loom cannot model: the cache's map and tokio's channels are not
/// loom's.
#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn a_request_after_an_invalidation_never_gets_the_old_user() {
    const CHANGES: usize = 20_000;
    let users = CachedProvisioner::new(Versions(AtomicUsize::new(0)));
    let (known, loads) = (Arc::new(AtomicUsize::new(0)), Arc::new(AtomicUsize::new(0)));
    let readers: Vec<_> = (0..4)
        .map(|_| {
            let (users, known, loads) = (users.clone(), Arc::clone(&known), Arc::clone(&loads));
            tokio::spawn(async move {
                loop {
                    let least = known.load(SeqCst);
                    let hit = users.cached(&ana());
                    loads.fetch_add(usize::from(hit.is_none()), SeqCst);
                    let user = match hit {
                        Some(user) => user,
                        None => users.provision(&ana()).await.unwrap(),
                    };
                    let version = **user.user();
                    assert!(version >= least, "{version} after {least}");
                    if least == CHANGES {
                        return;
                    }
                    tokio::task::yield_now().await;
                }
            })
        })
        .collect();
    for version in 1..=CHANGES {
        users.provisioner().0.store(version, SeqCst);
        users.invalidate(ana().key());
        known.store(version, SeqCst);
        tokio::task::yield_now().await;
    }
    for reader in readers {
        reader.await.unwrap();
    }
    assert!(loads.load(SeqCst) > 100, "no request in between");
}
