//! Verified identities and their proofs.

mod evidence;
mod identity;
mod proof;
mod rule_results;

pub use self::identity::Identity;
pub(crate) use self::{
    evidence::Evidence,
    proof::{KeyValidity, Proof, Validity},
};
