//! Verified identities.
//!
//! An [`Identity`] is evidence: only a [`JwtVerifier`](crate::JwtVerifier) makes one, after every
//! check on the token has passed. Code that holds one need not check the token again. What only the
//! application knows, such as whether the user is still active, is left to a
//! [`Provisioner`](crate::Provisioner).

mod evidence;
mod identity;
mod proof;

pub use self::identity::Identity;
pub(crate) use self::{
    evidence::Evidence,
    proof::{KeyValidity, Proof, Validity},
};
