//! Provisioners behind a cache, and behind `dyn`.

use std::{
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tower_jit_provisioning::{
    CachedProvisioner, IdentityKey, Provisioner, UserStatus,
    testing::conformance::{Ability, Harness, NotApplicable, RecordedIdentity, StoreFault},
};

/// The harness of the wrapped provisioner, and the wrapper.
pub(crate) struct Wrapped<H: Harness, W> {
    inner: H,
    wrap: fn(H::Provisioner) -> W,
    /// The application's invalidation after a change.
    invalidate: fn(&W, IdentityKey),
    handles: Mutex<Vec<W>>,
}

type User<H> = <<H as Harness>::Provisioner as Provisioner>::User;

/// Every handle has its own cache, as every replica has.
pub(crate) fn cached<H: Harness>(inner: H) -> Wrapped<H, CachedProvisioner<H::Provisioner>> {
    Wrapped {
        inner,
        wrap: CachedProvisioner::new,
        invalidate: CachedProvisioner::invalidate,
        handles: Mutex::default(),
    }
}

pub(crate) fn erased<H: Harness>(inner: H) -> Wrapped<H, Arc<dyn Provisioner<User = User<H>>>> {
    Wrapped {
        inner,
        wrap: |provisioner| Arc::new(provisioner),
        invalidate: |_, _| {},
        handles: Mutex::default(),
    }
}

impl<H: Harness, W> Wrapped<H, W> {
    fn changed(&self, key: IdentityKey) {
        for handle in &*self.handles.lock().unwrap() {
            (self.invalidate)(handle, key);
        }
    }
}

#[async_trait]
#[deny(clippy::missing_trait_methods)]
impl<H, W> Harness for Wrapped<H, W>
where
    H: Harness,
    W: Provisioner<User = User<H>> + Clone,
{
    type Provisioner = W;

    async fn provisioner(&self, deadline: Duration) -> W {
        let handle = (self.wrap)(self.inner.provisioner(deadline).await);
        self.handles.lock().unwrap().push(handle.clone());
        handle
    }

    fn user_id(&self, user: &User<H>) -> String {
        self.inner.user_id(user)
    }

    fn roles(&self, user: &User<H>) -> Result<Vec<String>, NotApplicable> {
        self.inner.roles(user)
    }

    fn supports(&self, ability: Ability) -> bool {
        self.inner.supports(ability)
    }

    async fn users(&self) -> Result<u64, NotApplicable> {
        self.inner.users().await
    }

    async fn created_events(&self) -> Result<u64, NotApplicable> {
        self.inner.created_events().await
    }

    async fn recorded(&self, key: IdentityKey) -> Result<RecordedIdentity, NotApplicable> {
        self.inner.recorded(key).await
    }

    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        self.inner.set_status(key, status).await?;
        self.changed(key);
        Ok(())
    }

    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        self.inner.revoke_tokens(key, instant).await?;
        self.changed(key);
        Ok(())
    }

    async fn import_user(&self, address: &str) -> Result<String, NotApplicable> {
        self.inner.import_user(address).await
    }

    async fn fail(&self, fault: StoreFault) -> Result<(), NotApplicable> {
        self.inner.fail(fault).await
    }

    async fn recover(&self) -> Result<(), NotApplicable> {
        self.inner.recover().await
    }

    async fn close(&self) {
        self.inner.close().await;
    }
}
