//! What both measurements need: the layers, and the store their users come from.

pub mod layers;
pub mod store;
