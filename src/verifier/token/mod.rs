//! The checks on one token, cheapest first.
//!
//! The order bounds the cost of a flood of garbage: size and alphabet first, then the two JSON
//! documents, then issuer and key, and the signature only for a token that names both. Nothing waits
//! but the look-up of a key that is not held yet.

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
