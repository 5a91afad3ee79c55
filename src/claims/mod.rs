//! The mapping of token claims, with a preset for each provider.

mod address;
mod condition;
mod map;
mod pointer;
mod presets;
mod read;
mod roles;
mod subject;
mod tree;

pub use self::map::ClaimMap;
pub(crate) use self::{
    pointer::Pointer,
    tree::{Object, Value},
};
