//! A provisioner of an application's own: accounts in a map, and no code about the policy but the
//! calls that `Provisioned` asks for.

use std::{
    collections::HashMap,
    sync::{Arc, Mutex},
    time::Duration,
};

use async_trait::async_trait;
use tower_jit_provisioning::{
    Identity, IdentityKey, ProvisionError, Provisioned, Provisioner, UserStatus,
    provisioner::Standing,
    testing::conformance::{Harness, NotApplicable},
};

#[derive(Clone, Default)]
pub(crate) struct Directory(Arc<Mutex<HashMap<IdentityKey, Account>>>);

#[derive(Clone)]
pub(crate) struct Account {
    number: usize,
    standing: Standing,
}

#[async_trait]
impl Provisioner for Directory {
    type User = Account;

    async fn provision(&self, identity: &Identity) -> Result<Provisioned<Account>, ProvisionError> {
        let mut accounts = self.0.lock().unwrap();
        if let Some(account) = accounts.get(&identity.key()) {
            let entry = identity.enter(account.standing, &[])?;
            return Ok(Provisioned::found(account.clone(), entry));
        }
        let admission = identity.admit()?;
        let account = Account {
            number: accounts.len(),
            standing: admission.standing(),
        };
        accounts.insert(identity.key(), account.clone());
        Provisioned::created(account, admission)
    }
}

/// With the default of `supports`: the policy is applied.
#[derive(Default)]
pub(crate) struct DirectoryHarness(Directory);

impl DirectoryHarness {
    fn change(&self, key: IdentityKey, change: impl FnOnce(Standing) -> Standing) {
        let mut accounts = self.0.0.lock().unwrap();
        let account = accounts.get_mut(&key).expect("the identity has an account");
        account.standing = change(account.standing);
    }
}

#[async_trait]
impl Harness for DirectoryHarness {
    type Provisioner = Directory;

    async fn provisioner(&self, _: Duration) -> Directory {
        self.0.clone()
    }

    fn user_id(&self, account: &Account) -> String {
        account.number.to_string()
    }

    async fn users(&self) -> Result<u64, NotApplicable> {
        Ok(self.0.0.lock().unwrap().len() as u64)
    }

    async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
        self.change(key, |standing| {
            Standing::new(status, standing.kind())
                .with_tokens_valid_after(standing.tokens_valid_after())
        });
        Ok(())
    }

    async fn revoke_tokens(&self, key: IdentityKey, instant: i64) -> Result<(), NotApplicable> {
        self.change(key, |standing| {
            standing.with_tokens_valid_after(Some(instant))
        });
        Ok(())
    }
}
