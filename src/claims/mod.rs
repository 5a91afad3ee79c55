//! The meaning of the claims in each provider's tokens.

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
