//! `MemoryProvisioner`: all checks except those about outages, which memory does not have.

use std::time::Duration;

use async_trait::async_trait;
use tower_jit_provisioning::{
    IdentityKey, MemoryProvisioner, MemoryUser, UserStatus,
    testing::conformance::{Ability, Harness, NotApplicable},
};

#[derive(Default)]
pub(crate) struct MemoryHarness(MemoryProvisioner);

#[async_trait]
impl Harness for MemoryHarness {
    type Provisioner = MemoryProvisioner;

    async fn provisioner(&self, _: Duration) -> MemoryProvisioner {
        self.0.clone()
    }

    fn user_id(&self, user: &MemoryUser) -> String {
        user.id.to_string()
    }

    fn roles(&self, user: &MemoryUser) -> Result<Vec<String>, NotApplicable> {
        Ok(user.roles.clone())
    }

    fn supports(&self, _: Ability) -> bool {
        true
    }

    async fn users(&self) -> Result<u64, NotApplicable> {
        Ok(self.0.len() as u64)
    }

    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        assert!(self.0.set_status(key, status), "no user has that identity");
        Ok(())
    }

    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        assert!(
            self.0.revoke_tokens(key, instant),
            "no user has that identity"
        );
        Ok(())
    }
}
