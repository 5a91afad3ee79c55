//! Conformance checks for the contract of [`Provisioner`](crate::Provisioner).
//!
//! Find-or-create often works in a test with one request and fails with two concurrent ones. To
//! check an implementation, implement [`Harness`] for its store and run [`all`] checks:
//!
//! ```
//! use std::{collections::HashMap, sync::{Arc, Mutex}, time::Duration};
//! use async_trait::async_trait;
//! use tower_jit_provisioning::{
//!     Identity, IdentityKey, ProvisionError, Provisioned, Provisioner, UserStatus,
//!     provisioner::Standing,
//!     testing::conformance::{self, Harness, NotApplicable, Verdict},
//! };
//!
//! // The implementation: accounts in a map.
//! #[derive(Clone, Default)]
//! struct Directory(Arc<Mutex<HashMap<IdentityKey, Account>>>);
//!
//! #[derive(Clone)]
//! struct Account {
//!     number: usize,
//!     standing: Standing,
//! }
//!
//! #[async_trait]
//! impl Provisioner for Directory {
//!     type User = Account;
//!
//!     async fn provision(
//!         &self,
//!         identity: &Identity,
//!     ) -> Result<Provisioned<Account>, ProvisionError> {
//!         let mut accounts = self.0.lock().map_err(|_| ProvisionError::unavailable("poisoned"))?;
//!         if let Some(account) = accounts.get(&identity.key()) {
//!             let entry = identity.enter(account.standing, &[])?;
//!             return Ok(Provisioned::found(account.clone(), entry));
//!         }
//!         let admission = identity.admit()?;
//!         let account = Account { number: accounts.len(), standing: admission.standing() };
//!         accounts.insert(identity.key(), account.clone());
//!         Provisioned::created(account, admission)
//!     }
//! }
//!
//! // The harness: how the checks access the store.
//! #[derive(Default)]
//! struct DirectoryHarness(Directory);
//!
//! #[async_trait]
//! impl Harness for DirectoryHarness {
//!     type Provisioner = Directory;
//!
//!     async fn provisioner(&self, _: Duration) -> Directory {
//!         self.0.clone()
//!     }
//!
//!     fn user_id(&self, account: &Account) -> String {
//!         account.number.to_string()
//!     }
//!
//!     async fn users(&self) -> Result<u64, NotApplicable> {
//!         Ok(self.0.0.lock().unwrap().len() as u64)
//!     }
//!
//!     async fn set_status(&self, key: IdentityKey, status: UserStatus) -> Result<(), NotApplicable> {
//!         let mut accounts = self.0.0.lock().unwrap();
//!         let standing = &mut accounts.get_mut(&key).unwrap().standing;
//!         *standing = Standing::new(status, standing.kind())
//!             .with_tokens_valid_after(standing.tokens_valid_after());
//!         Ok(())
//!     }
//! }
//!
//! #[tokio::main] // in a test: #[tokio::test(flavor = "multi_thread", worker_threads = 4)]
//! async fn main() {
//!     let report = conformance::all("Directory", async || DirectoryHarness::default()).await.unwrap();
//!     println!("{report}");
//!     let outage = report.verdict("a_failing_store_is_unavailable");
//!     assert!(matches!(outage, Some(Verdict::NotApplicable(_))));
//! }
//! ```
//!
//! # Not applicable
//!
//! Two methods of [`Harness`] are required. The others break the store, count rows or deactivate
//! users. If a store does not support one of them, leave it out: the checks that need it are then
//! *not applicable*, and the report contains the reason. A check that was not run never counts as
//! passed, so read the report once. The directory above leaves out the methods that break its
//! store; a database should implement them.
//!
//! # One check at a time
//!
//! Each check is also a function. It returns `Ok` if the rule holds, and a [`Failure`] otherwise.
//!
//! [`checks`] lists all checks for another test runner, such as libtest-mimic. Each [`Check`] runs
//! on its own store and returns a [`Verdict`].
//!
//! # Requirements
//!
//! The checks need a multi-thread runtime with several worker threads, because tasks on a single
//! thread do not race. They need real time, because they check deadlines. Any release may add
//! checks or change their number of callers and rounds.

mod addresses;
mod all;
mod cached;
mod call_result;
mod caller;
mod catalogue;
mod check;
mod first_logins;
mod hang_ups;
mod harness;
mod identities;
mod inactive;
mod known_users;
mod linking;
mod outages;
mod report;
mod rules;
mod sign_up;
mod verdict;

// The catalogue lists every check, so the list is not repeated here.
pub use self::catalogue::*;
pub use self::{
    all::all,
    check::Check,
    harness::{Ability, Harness, NotApplicable, RecordedIdentity, StoreFault},
    report::{Nonconforming, Report},
    verdict::{Failure, Verdict, Violation},
};
