//! The checks on one token, in the order of their cost.
//!
//! Nothing in here waits or touches the network. The order decides what a flood of garbage costs:
//! size and alphabet first, then the two JSON documents, then issuer and key, and the signature
//! only for a token that names both.

mod audience;
mod check;
mod compact;
mod header;
mod identify;
mod signature;
mod times;
mod token_type;

#[cfg(feature = "testing")]
pub(super) use self::check::check_jws;
#[cfg(fuzzing)]
pub(crate) use self::header::Header;
pub(super) use self::{
    check::{check, check_unsigned},
    compact::screen,
};
