//! In-memory cache of users, with single-flight loads.

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
