//! Users in memory for a few seconds, and one load for a crowd.
//!
//! ```
//! use std::time::Duration;
//! use tower_jit_provisioning::{CachedProvisioner, MemoryProvisioner};
//!
//! let users = CachedProvisioner::new(MemoryProvisioner::new()).with_ttl(Duration::from_secs(10));
//! # let _ = users;
//! ```
//!
//! An entry belongs to an identity *and* everything that policy and mapping read from its token:
//! two tokens of one person with different roles never share a verdict. Times are not part of it,
//! so a refreshed token finds the entry of the one before; whether a token is older than its user's
//! revocation is asked at every hit.
//!
//! # What a change costs
//!
//! A user who is changed behind the cache's back is served as he was for up to the TTL, 30 seconds
//! by default. It counts from the moment a read began, so a slow one adds nothing to it. A handler
//! that changes a user calls [`CachedProvisioner::invalidate`]; loads that began before it do not
//! bring the old user back. Other processes notice within their TTL, or at once if they
//! [listen](CachedProvisioner::listen) to a bus that carries invalidations. When a bus breaks and
//! when it is back, invalidations may have been missed, and everything remembered until then is read
//! again before it counts; in between, the TTL is the bound.
//!
//! # While the store is down
//!
//! Nobody new gets in, and by default nobody known either, once his entry is old: 503. With
//! [`CachedProvisioner::with_stale_for`] the last known user serves a while longer, as what the
//! application makes of him: usually himself without privileged roles, which nobody can take away
//! meanwhile.
//!
//! A provisioner that reads claims this crate does not map ([`Identity::claims`]) should not be
//! cached, or not for longer than a change of those claims may take.

mod bus;
mod cached_provisioner;
mod entry;
mod epochs;
mod flight;
mod inner;
mod load;
mod verdict;

pub use self::{
    bus::{BusEvent, InvalidationBus},
    cached_provisioner::CachedProvisioner,
};
