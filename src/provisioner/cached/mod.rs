//! Users remembered in memory for a few seconds, and one load for all requests that need it.

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
