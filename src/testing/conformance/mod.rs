//! Checks that every [`Provisioner`](crate::Provisioner) passes: its contract, put to the test.
//!
//! Find-or-create looks right in a test of one request and breaks under two. Whoever writes a
//! provisioner tells the checks how to reach its store, by implementing [`Harness`], and runs
//! [`all`] of them:
//!
//! ```
//! use std::{collections::HashMap, sync::{Arc, Mutex}, time::Duration};
//! use async_trait::async_trait;
//! use tower_jit_provisioning::{
//!     DenialReason, Identity, IdentityKey, ProvisionError, Provisioned, Provisioner, UserStatus,
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
//!     is_active: bool,
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
//!             return match account.is_active {
//!                 true => Ok(Provisioned::found(account.clone())),
//!                 false => Err(DenialReason::Deactivated.into()),
//!             };
//!         }
//!         let account = Account { number: accounts.len(), is_active: true };
//!         accounts.insert(identity.key(), account.clone());
//!         Ok(Provisioned::created(account))
//!     }
//! }
//!
//! // What its test says about it.
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
//!         if !matches!(status, UserStatus::Active | UserStatus::Deactivated) {
//!             return Err(NotApplicable::new("accounts are active or not"));
//!         }
//!         self.0.0.lock().unwrap().get_mut(&key).unwrap().is_active = status == UserStatus::Active;
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
//! Two methods of [`Harness`] are needed. The others break stores, count rows, switch users off:
//! what cannot be done is left out, and the checks that need it are *not applicable*, which the
//! report says with the reason. Nothing passes unchecked, so read the report once; the directory
//! above need not break its store, and a database had better.
//!
//! # One check at a time
//!
//! Each check is a function as well. It returns `Ok` only when the rule holds, and a [`Failure`]
//! that names the rule when it is broken. For a test runner of your own there is [`checks`]: every
//! [`Check`] runs on a store of its own and returns a [`Verdict`], and [`Report`]s side by side are
//! a [`Table`].
//!
//! # What the checks ask for
//!
//! A multi-thread runtime with several worker threads: nothing races on a single one. Time is real,
//! since that is what deadlines are about. Checks are added, and their callers and rounds change,
//! with any release.

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

// The catalogue names every check once; a list here would be the same list.
pub use self::catalogue::*;
pub use self::{
    all::all,
    check::Check,
    harness::{Ability, Harness, NotApplicable, RecordedIdentity, StoreFault},
    report::{Nonconforming, Report, Table},
    verdict::{Failure, Verdict, Violation},
};
