//! Finds or creates the application's own user for a verified identity.
//!
//! [`MemoryProvisioner`](crate::MemoryProvisioner) is the reference implementation of
//! [`Provisioner`]. `SeaOrmProvisioner` (feature `sea-orm`) keeps users in a database. An
//! application with another backend implements the trait:
//!
//! ```
//! use std::{collections::HashMap, sync::Mutex};
//! use async_trait::async_trait;
//! use tower_jit_provisioning::{Identity, IdentityKey, ProvisionError, Provisioned, Provisioner};
//!
//! struct Account {
//!     number: usize,
//! }
//!
//! #[derive(Default)]
//! struct Directory(Mutex<HashMap<IdentityKey, usize>>);
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
//!         let next = accounts.len();
//!         let known = accounts.contains_key(&identity.key());
//!         let number = *accounts.entry(identity.key()).or_insert(next);
//!         Ok(match known {
//!             true => Provisioned::found(Account { number }),
//!             false => Provisioned::created(Account { number }),
//!         })
//!     }
//! }
//! ```

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
    decision::{Profile, ProfileState, RoleGrant, SignUpCounts},
    enricher::Enrichment,
    user_info::UserInfo,
};
pub(crate) use self::{
    has_roles::HasRoles, outcome::Outcome, provisioned::Provisioned, provisioner::Provisioner,
};
