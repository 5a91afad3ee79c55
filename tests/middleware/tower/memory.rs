//! Provisioners with a cache of their own, and without.

use std::sync::{
    Arc,
    atomic::{AtomicUsize, Ordering::SeqCst},
};

use async_trait::async_trait;
use tower::{Layer, ServiceExt};
use tower_jit_provisioning::{
    Identity, MemoryUser, ProvisionError, Provisioned, Provisioner, UserStatus,
    provisioner::Standing,
};

use super::services::{Gated, Strict, ask, request};
use crate::issuer::{issuer, layer_of, token};

async fn keeps_the_warm_path<P: Provisioner<User = MemoryUser>>(gated: &Gated, provisioner: P) {
    let issuer = issuer();
    let service = layer_of(&issuer, provisioner).layer(Strict::default());
    let bearer = token(&issuer).bearer();
    for _ in 0..3 {
        let response = service.clone().oneshot(request(&bearer, ())).await.unwrap();
        assert_eq!(response.status(), 200);
    }
    assert_eq!(gated.entered.load(SeqCst), 1);
    assert_eq!(gated.cached.load(SeqCst), 2);
}

#[tokio::test]
async fn pointers_to_a_provisioner_keep_its_cache() {
    let gated = || Gated::with_permits(1);
    let user = gated();
    keeps_the_warm_path(&user, Arc::clone(&user)).await;
    let user = gated();
    keeps_the_warm_path(&user, Box::new(Arc::clone(&user))).await;
    let user = gated();
    let dynamic: Arc<dyn Provisioner<User = MemoryUser>> = Arc::clone(&user) as _;
    keeps_the_warm_path(&user, dynamic).await;
    let user = gated();
    let dynamic: Box<dyn Provisioner<User = MemoryUser>> = Box::new(Arc::clone(&user));
    keeps_the_warm_path(&user, dynamic).await;
    let user = gated();
    let inner: Box<dyn Provisioner<User = MemoryUser>> = Box::new(Arc::clone(&user));
    let nested: Arc<dyn Provisioner<User = MemoryUser>> = Arc::new(inner);
    keeps_the_warm_path(&user, nested).await;
}

/// Caches no user.
#[derive(Default)]
struct Forgetful(AtomicUsize);

#[async_trait]
impl Provisioner for Forgetful {
    type User = ();

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<()>, ProvisionError> {
        self.0.fetch_add(1, SeqCst);
        let entry = identity.enter(Standing::new(UserStatus::Active, identity.kind()), &[])?;
        Ok(Provisioned::found((), entry))
    }
}

#[tokio::test]
async fn a_provisioner_without_a_cache_is_called_every_time() {
    let issuer = issuer();
    let forgetful = Arc::new(Forgetful::default());
    let inner = Strict::default();
    let clones = Arc::clone(&inner.clones);
    let mut service = layer_of(&issuer, Arc::clone(&forgetful)).layer(inner);
    let bearer = token(&issuer).bearer();
    for calls in 1..=3 {
        ask(&mut service, &bearer).await;
        assert_eq!(forgetful.0.load(SeqCst), calls);
        assert_eq!(clones.load(SeqCst), calls);
    }
}
