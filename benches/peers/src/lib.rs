//! Shared parts of both measurements: the layers, and the store of their users.

pub mod layers;
pub mod store;
