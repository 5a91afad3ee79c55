//! Finds or creates the application's own user for a verified identity.
//!
//! [`MemoryProvisioner`](crate::MemoryProvisioner) is the reference implementation of
//! [`Provisioner`]. `SeaOrmProvisioner` (feature `sea-orm`) keeps users in a database. An
//! application with another backend implements the trait:
//!
//! ```
//! use std::{collections::HashMap, sync::{Mutex, PoisonError}};
//! use async_trait::async_trait;
//! use tower_jit_provisioning::{
//!     Identity, IdentityKey, ProvisionError, Provisioned, Provisioner, provisioner::Standing,
//! };
//!
//! #[derive(Clone)]
//! struct Account {
//!     number: usize,
//!     standing: Standing,
//! }
//!
//! #[derive(Default)]
//! struct Directory(Mutex<HashMap<IdentityKey, Account>>);
//!
//! #[async_trait]
//! impl Provisioner for Directory {
//!     type User = Account;
//!
//!     async fn provision(
//!         &self,
//!         identity: &Identity,
//!     ) -> Result<Provisioned<Account>, ProvisionError> {
//!         let mut accounts = self.0.lock().unwrap_or_else(PoisonError::into_inner);
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
//! ```
//!
//! The issuer's policy applies to such a backend too: a [`Provisioned`] is made
//! from an [`Entry`] or an [`Admission`], and these only from
//! [`Identity::enter`](crate::Identity::enter) and [`Identity::admit`](crate::Identity::admit).

mod admission;
pub(crate) mod cached;
pub(crate) mod decision;
pub(crate) mod enricher;
pub(crate) mod explain;
pub(crate) mod has_roles;
pub(crate) mod memory;
pub(crate) mod outcome;
pub(crate) mod provisioned;
pub(crate) mod provisioner;
mod user_info;

#[cfg(feature = "directory")]
pub(crate) use self::cached::CachedProvisioner;
#[cfg(feature = "sea-orm")]
pub(crate) use self::enricher::Enricher;
pub use self::{
    admission::{Admission, Decision, Entry, LinkPermit},
    decision::{Candidate, Profile, ProfileState, RoleGrant, SignUpCounts, Standing},
    enricher::Enrichment,
    user_info::UserInfo,
};
pub(crate) use self::{
    has_roles::HasRoles, outcome::Outcome, provisioned::Provisioned, provisioner::Provisioner,
};
