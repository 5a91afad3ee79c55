//! Users in memory.

mod memory_provisioner;
mod store;
mod user;

pub use self::{memory_provisioner::MemoryProvisioner, user::MemoryUser};
