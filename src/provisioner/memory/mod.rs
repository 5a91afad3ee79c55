//! Users in memory.

mod known_identity;
mod memory_provisioner;
mod memory_user;
mod record;
mod store;

pub use self::{memory_provisioner::MemoryProvisioner, memory_user::MemoryUser};
